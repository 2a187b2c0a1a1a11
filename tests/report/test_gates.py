"""What gates found stands on the page, by size, and what they did not find too."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from leaven.report import gates, methods, page
from leaven.report.contents import read


def test_a_seed_that_is_left_out_is_told(data: dict[str, Any]) -> None:
    said = str(gates.section(read(data)))
    assert "code→text seed 2" in said
    assert "left out" in said
    assert "Its held-out loss" in said or "its held-out loss" in said
    assert "Nothing was found by: at chance" in said
    assert "Not looked for: contaminated (the training documents were not searched" in said
    nothing, blind = said.split("Not looked for")
    assert "contaminated" not in nothing
    assert not any(name in blind for name in ("at chance", "degenerate", "few seeds", "diverged"))


def test_where_nobody_recorded_which_gates_looked_nothing_is_claimed(data: dict[str, Any]) -> None:
    del data["verdict"]["gates_run"]
    said = str(gates.section(read(data)))
    assert "Nothing was found" not in said
    assert "Nothing is told of: at chance (" in said
    assert "Whether these were looked for is not recorded." in said


def test_a_verdict_without_gates_has_no_section(data: dict[str, Any]) -> None:
    del data["verdict"]["gates"]
    assert gates.section(read(data)) is None


def test_what_is_found_at_another_size_says_which(data: dict[str, Any]) -> None:
    two_sizes(data)
    said = str(gates.section(read(data)))
    assert ">size</th>" in said
    assert "1m" in said


def test_what_a_gate_did_not_look_for_is_told_by_size(data: dict[str, Any]) -> None:
    two_sizes(data)["verdict"]["gates_run"].append({"size": "1m", "gates": ["contaminated", "few seeds"]})
    said = str(gates.section(read(data)))
    nothing, blind = said.split("Not looked for: ")
    assert "few seeds (one seed cannot" in nothing
    assert "at chance at 0.3m (" in nothing
    assert "at chance at 1m (" in blind
    assert "contaminated at 0.3m (" in blind
    data["verdict"]["gates"].append({"gate": "contaminated", "size": "", "said": "x", "effect": "flagged"})
    assert "contaminated at" not in str(gates.section(read(data)))


def two_sizes(data: dict[str, Any]) -> dict[str, Any]:
    """The study with two of its variants at a second size, where balanced-only is the baseline."""
    verdict = data["verdict"]
    verdict["sizes"].append(
        {
            "size": "1m",
            "parameters": 1_060_000,
            "baseline": "balanced-only",
            "variants": ["balanced-only", "code→text"],
            "seeds": [1, 2, 3],
        }
    )
    for name in ("comparisons", "scores", "winrates", "strengths", "noise", "power", "excluded"):
        for row in verdict[name]:
            row["size"] = "0.3m"
    for name in ("noise", "power"):
        verdict[name] += [{**row, "size": "1m"} for row in verdict[name]]
    verdict["winrates"].append({**verdict["winrates"][2], "size": "1m", "baseline": "balanced-only", "wins": 99})
    for name in ("comparisons", "scores"):
        here = [deepcopy(row) for row in verdict[name] if row["variant"] in ("balanced-only", "code→text")]
        verdict[name] += [
            {**row, "size": "1m", "baseline": "balanced-only"}
            for row in here
            if name == "scores" or row["variant"] == "code→text"
        ]
    verdict["gates"].append({**verdict["gates"][0], "size": "1m", "seed": 3})
    verdict["answers"] = []
    return data


def test_each_size_has_its_own_figures(data: dict[str, Any]) -> None:
    names = [chart.name for chart in page.figures(read(two_sizes(data)))]
    assert {"gains-0-3m", "gains-1m", "scores-0-3m", "scores-1m"} <= set(names)
    assert len(set(names)) == len(names)


def test_one_size_keeps_the_plain_names(data: dict[str, Any]) -> None:
    names = [chart.name for chart in page.figures(read(data))]
    assert "gains" in names


def test_rows_of_a_size_are_compared_with_its_own_baseline(data: dict[str, Any]) -> None:
    small, large = (contents for _, contents in read(two_sizes(data)).each_size)
    assert small.baseline == "text-only"
    assert large.baseline == "balanced-only"
    assert large.variants == ("balanced-only", "code→text")
    assert {row["variant"] for row in large.comparisons} == {"code→text"}
    assert len(small.comparisons) > len(large.comparisons) > 0


def test_the_methods_tell_sizes_and_seeds_that_were_left_out(data: dict[str, Any]) -> None:
    data["verdict"]["point"] = "before cooldown"
    said = methods.paragraph(read(two_sizes(data)))
    assert "2 sizes of model were trained on the same data: 0.3m (every variant, 282K parameters" in said
    assert "1m (balanced-only and code→text, 1.06M parameters; baseline balanced-only)" in said
    assert "Verdicts are about the models before cooldown." in said
    assert "Left out by gates: code→text seed 2 (diverged)" in said


def test_stages_and_pairs_of_two_sizes_are_told_apart(data: dict[str, Any]) -> None:
    two_sizes(data)
    for stage in data["stages"]:
        stage["size"] = "0.3m"
    data["stages"] += [
        {**deepcopy(stage), "size": "1m", "identity": f"{stage['identity']}-1m"} for stage in data["stages"]
    ]
    data["verdict"]["winrates"].append({**data["verdict"]["winrates"][0], "size": "1m", "flip_rate": 0.1})
    data["verdict"]["headlines"] = [
        {"size": "1m", "variant": "code→text", "baseline": "balanced-only", "said": "at 1m it is better"}
    ]
    whole = page.page(read(data), [])
    assert whole.count("pretrain 2M text, 0.3m") == whole.count("pretrain 2M text, 1m") == 1
    assert "balanced-only against text-only, 1m" in whole
    assert whole.count("At 1m it is better") == 1
