from __future__ import annotations

import pytest

from leaven.analyze.text import WIDTH, answer, effect_text, judged_lines, render_lines, strength_lines

ROW = {
    "variant": "balanced→text",
    "baseline": "text-only",
    "measure": "prose bits-per-byte",
    "primary": True,
    "verdict": "equivalent",
    "effect": 0.2,
    "low": -0.4,
    "high": 0.8,
    "unit": "%",
    "margin": 1.0,
    "better": "lower",
    "p_holm": 0.4,
    "real": False,
    "would_resolve": "",
}


@pytest.mark.parametrize(
    ("values", "unit", "text"),
    [
        ((0.2, -0.4, 0.8), "%", "+0.2 % [−0.4, +0.8]"),
        ((-41, -43, -39), "%", "−41.0 % [−43.0, −39.0]"),
        ((-6.1, -9, -3.2), "points", "−6.1 points [−9.0, −3.2]"),
        ((-20, -60, 12), "points", "−20 points [−60, +12]"),
        ((0.01, -0.02, 0.21), "%", "+0.01 % [−0.02, +0.21]"),
        ((0.0, 0.0, 0.0), "%", "0.0 % [0.0, 0.0]"),
        ((-0.0008, -0.0009, -0.0007), "bits", "−0.00080 bits [−0.00090, −0.00070]"),
        ((-0.0008, -0.0008, -0.0008), "bits", "−0.0008 bits [−0.0008, −0.0008]"),
        ((-41.0, -41.0, -41.0 + 1e-9), "%", "−41.0 % [−41.0, −41.0]"),
    ],
)
def test_effects_show_what_their_interval_deserves(values: tuple[float, float, float], unit: str, text: str) -> None:
    assert effect_text(*values, unit) == text


def test_answers() -> None:
    start = "balanced→text against text-only on prose bits-per-byte: "
    assert answer(ROW) == start + "equivalent, +0.2 % [−0.4, +0.8]; it lies within ±1 %."
    assert answer({**ROW, "real": True, "p_holm": 0.0123}).endswith(
        "within ±1 %, though the difference is real (p = 0.012 after correction)."
    )
    worse = {**ROW, "verdict": "worse", "effect": 2.1, "low": 1.5, "high": 2.8, "p_holm": 0.0001}
    assert answer(worse) == start + "worse, +2.1 % [+1.5, +2.8] (lower is better; p < 0.001 after correction)."
    assert "whether it exceeds ±1 % is open" in answer({**worse, "low": 0.6})
    open_ = {**ROW, "verdict": "unresolved", "would_resolve": "about 9 seeds (now 3) would show it"}
    assert (
        answer(open_)
        == start + "unresolved, +0.2 % [−0.4, +0.8] (p = 0.40 after correction); about 9 seeds (now 3) would show it."
    )


def test_block() -> None:
    verdict = {
        "baseline": "text-only",
        "comparisons": [
            ROW,
            {**ROW, "measure": "fact recall", "verdict": "worse", "effect": -6.1, "low": -9.0, "high": -3.2}
            | {"unit": "points"},
            {**ROW, "variant": "code→text", "verdict": "worse", "effect": 2.1, "low": 1.5, "high": 2.8},
            {**ROW, "primary": False},
        ],
        "winrates": [
            {"variant": "code→text", "judge": "coin", "net": 6.0, "low": -8.0, "high": 20.0}
            | {"wins": 40, "losses": 30, "ties": 30, "errors": 2, "baseline": "text-only", "half": 53.0}
            | {"p_holm": 0.28, "warnings": ["Only 12 prompts were decided."]}
        ],
        "excluded": [{"task": "boolean", "reason": "text-only not above chance: 51.2 % of 50 %"}],
        "left_out": ["final: 2 of 3 seeds were evaluated in every variant and count"],
        "proxy_sentence": "proxy scale: transfer to larger models is unproven",
    }
    assert render_lines(verdict) == [
        "verdict (95 % intervals, Holm over 3 primary comparisons; baseline text-only)",
        "  balanced→text  prose bits-per-byte  equivalent  +0.2 % [−0.4, +0.8]",
        "                 fact recall          worse       −6.1 points [−9.0, −3.2]",
        "  code→text      prose bits-per-byte  worse       +2.1 % [+1.5, +2.8]",
        "  1 judged pair, Holm over all; judge: coin",
        "  code→text against text-only: won 40, tied 30, lost 30, errors 2; net +6 points [−8, +20], half 53.0 %,"
        " p = 0.28",
        "    warning: Only 12 prompts were decided.",
        "  left out       boolean (text-only not above chance: 51.2 % of 50 %)",
        "                 final: 2 of 3 seeds were evaluated in every variant and count",
        "  proxy scale: transfer to larger models is unproven",
    ]


def test_a_pair_of_which_nothing_was_judged_has_no_outcome() -> None:
    row = {"variant": "a", "baseline": "b", "judge": "x", "wins": 0, "losses": 0, "ties": 0, "errors": 5, "p_holm": 1.0}
    row |= dict.fromkeys(("net", "low", "high", "half"))
    assert judged_lines([row])[1] == "  a against b: won 0, tied 0, lost 0, errors 5; no outcome"


def test_no_line_of_the_block_is_wider_than_the_terminal() -> None:
    names = [f"variant number {i} with a long name" for i in range(6)]
    verdict = {
        "baseline": names[0],
        "comparisons": [{**ROW, "variant": name, "measure": f"measure of {name} and of more"} for name in names[1:]],
        "winrates": [
            {"variant": names[1], "judge": "reference-likelihood", "net": 5.7, "low": -4.3, "high": 15.6}
            | {"wins": 123, "losses": 106, "ties": 71, "errors": 12, "baseline": names[0], "p_holm": 0.04}
            | {"warnings": ["The judge goes by position, and by length, and by the weather. " * 3]}
        ],
        "excluded": [{"task": "indent", "reason": f"{', '.join(names)} not above chance: 50.0 to 70.1 % of 50 %"}],
        "left_out": [],
        "proxy_sentence": "",
    }
    lines = render_lines(verdict)
    assert max(map(len, lines)) <= WIDTH
    told = " ".join(" ".join(lines).split())
    assert "won 123, tied 71, lost 106, errors 12; net" in told
    assert f"indent ({', '.join(names)} not above chance: 50.0 to 70.1 % of 50 %)" in told


def test_nothing_of_a_scripted_judge_reads_like_a_result() -> None:
    row = {"variant": "a name that takes room", "baseline": "another name that takes more of it"}
    row |= {"judge": "scripted:coin", "net": 6.0, "low": -8.0, "high": 20.0, "half": 53.0, "p_holm": 0.001}
    row |= {"wins": 40, "losses": 30, "ties": 30, "errors": 0, "scripted": True, "warnings": ["Made-up answers. " * 12]}
    lines = judged_lines([row])
    assert len(lines) > 4
    assert all(line.startswith("SCRIPTED") and len(line) <= WIDTH for line in lines)
    assert "made-up answers, no result" in lines[0]
    assert judged_lines([]) == []


STRENGTHS = [
    {"arm": "text-only", "reference": "text-only", "strength": 0.0, "low": 0.0, "high": 0.0, "identified": True}
    | {"rate": 50.0, "rate_low": 50.0, "rate_high": 50.0, "p": None, "p_holm": None, "why": ""},
    {"arm": "code→text", "reference": "text-only", "strength": 0.31, "low": 0.1, "high": 0.52, "identified": True}
    | {"rate": 57.69, "rate_low": 52.5, "rate_high": 62.72, "p": 0.006, "p_holm": 0.012, "why": ""},
    {"arm": "balanced→text", "reference": "text-only", "identified": False}
    | dict.fromkeys(("strength", "low", "high", "rate", "rate_low", "rate_high", "p", "p_holm"))
    | {"why": "balanced→text never lost against text-only, so its strength has no upper bound"},
]


def test_strengths_have_a_block() -> None:
    lines = [
        "strengths from all pairs (Bradley–Terry), log odds against text-only; Holm over 1 arm",
        "code→text: +0.31 [+0.10, +0.52], implied win rate 57.7 % [52.5, 62.7], p = 0.012",
        "balanced→text: not identified: balanced→text never lost against text-only, so its strength has no upper bound",
    ]
    shown = strength_lines(STRENGTHS, scripted=False)
    assert shown == [f"  {line}" for line in lines]
    assert strength_lines([], scripted=True) == []
    pair = {"variant": "code→text", "baseline": "text-only", "judge": "x", "wins": 0, "losses": 0, "ties": 0}
    pair |= {"errors": 5, "p_holm": 1.0, **dict.fromkeys(("net", "low", "high", "half"))}
    verdict = {"baseline": "text-only", "comparisons": [], "winrates": [pair], "strengths": STRENGTHS}
    verdict |= {"excluded": [], "left_out": [], "proxy_sentence": ""}
    assert render_lines(verdict)[3:] == shown
    made_up = render_lines({**verdict, "winrates": [{**pair, "scripted": True}]})[1:]
    assert all(line.startswith("SCRIPTED  ") and len(line) <= WIDTH for line in made_up)
    assert made_up[2].startswith("SCRIPTED  made-up answers, no result: strengths from all pairs")


def test_an_answer_speaks_of_size_seeds_and_what_would_change_it() -> None:
    row = {**ROW, "size": "2.8b", "seeds": 3, "verdict": "better", "effect": -2.0, "low": -2.5, "high": -1.5}
    row |= {"p_holm": 0.01, "would_change": "a bias of 1 % in its favour would undo it"}
    assert answer(row) == (
        "2.8b: balanced→text against text-only on prose bits-per-byte: better, −2.0 % [−2.5, −1.5] over 3 seeds "
        "(lower is better; p = 0.010 after correction); a bias of 1 % in its favour would undo it."
    )
    near = (
        "the baseline is near zero (0.4 % [0, 1]), so 12 times that says little; the absolute change is told: +4 points"
    )
    assert near in answer({**row, "ratio": near})
    assert "over 1 seed (p" in answer({**row, "verdict": "unresolved", "would_resolve": "more", "seeds": 1})


def gate(kind: str, effect: str, said: str, size: str = "1m") -> dict[str, object]:
    return {"gate": kind, "size": size, "variant": "", "seed": None, "task": "", "said": said, "effect": effect}


def test_gates_further_baselines_optimum_and_transfer_have_their_lines() -> None:
    row = {**ROW, "size": "1m"}
    other = {**row, "baseline": "balanced-only", "primary": False, "role": "other baseline"}
    verdict = {
        "baseline": "text-only",
        "sizes": [{"size": "1m"}, {"size": "3m"}],
        "comparisons": [row, {**row, "size": "3m"}, other, {**other, "measure": "a secondary one"}],
        "gates": [
            gate("diverged", "left out", "a seed 3 broke"),
            gate("few seeds", "flagged", "every variant has 2 seeds"),
            gate("at chance", "left out", "told by excluded"),
        ],
        "excluded": [{"size": "3m", "task": "boolean", "reason": "no variant above chance"}],
        "optimum": {"measures": [{"name": ROW["measure"], "said": "25 % is best."}, {"name": "x", "said": "no"}]}
        | {"pareto": {"said": "Two skills disagree."}, "said": ["25 % is best."]},
        "transfer": {"said": "Signs agree.", "measures": []},
        "winrates": [],
        "left_out": [],
        "proxy_sentence": "",
    }
    lines = render_lines(verdict)
    assert lines[1] == "  1m"
    assert lines[2].startswith("  balanced→text                  prose bits-per-byte  equivalent")
    assert lines[3].startswith("  balanced→text / balanced-only  prose bits-per-byte")
    assert lines[4] == "  3m"
    words = [" ".join(line.split()) for line in lines[6:]]
    assert words == [
        "optimum 25 % is best.",
        "Two skills disagree.",
        "transfer Signs agree.",
        "flagged 1m: every variant has 2 seeds",
        "left out 3m: boolean (no variant above chance)",
        "1m: a seed 3 broke",
    ]
