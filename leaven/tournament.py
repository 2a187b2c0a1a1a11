"""Arms against each other before a judge: what `leaven judge` does, as functions.

import leaven.tournament
found = leaven.tournament.judge(["new=m/", "old=completions.jsonl"], loaded.judge, data=["prompts/"])
found.winrates[0]["net"]

Models complete the prompts first, under one rule; completions that were written elsewhere are taken as they are. Every
answer of a judge is kept as it comes: an interrupted tournament goes on, and one that is finished is judged again from
the kept answers alone, to the same bytes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any

from leaven.analyze.bradley_terry import strengths
from leaven.analyze.votes import read_votes
from leaven.analyze.winrates import all_met, winrate_rows
from leaven.arms import Arm, arms_of
from leaven.contestants import Contest, complete_all, notes, the_prompts
from leaven.engine.judging import REPLIES, alone, check_judge, cost_of, judge_of, require_key, weights_of
from leaven.ground.canonical import identity
from leaven.ground.errors import BadInput, did_you_mean
from leaven.ground.files import read_json, write_json
from leaven.ground.folders import appear, part
from leaven.ground.progress import Progress, silent
from leaven.report.tournament import write_tournament
from leaven.study.judging import Judge
from leaven.study.versions import VERSIONS
from leaven.tournament_page import about, page

if TYPE_CHECKING:
    from leaven.judge.estimate import Estimate
    from leaven.judge.question import Judge as Asked

FOLDER = "judgements"
TAKEN = ("prompts", "completions", "lock", REPLIES, f"{REPLIES}.lock")
"""Names among the results that are no tournament's."""
DRAWS = 2000
Tell = Callable[["Forecast"], None]


@dataclass(frozen=True)
class Forecast:
    """What is about to be asked, known before the first call.

    Args:
        estimate: calls, tokens and cost that are left to pay for; None for a judge that costs nothing.
        resolvable: net win in points that so many prompts resolve 4 times in 5, if 35 % of them tie.
    """

    arms: tuple[str, ...]
    pairs: int
    prompts: int
    about: Mapping[str, Any]
    judge: str
    what: str
    estimate: Estimate | None
    budget: float | None
    resolvable: float | None


@dataclass(frozen=True)
class Tournament:
    """What came out.

    Args:
        folder: holds `tournament.json`, `report.html`, `completions/`, `pairs/`, `figures/`, `data/`.
        winrates: rows of `leaven.analyze.winrates`, one a pair; the outcome is that of `variant`.
        strengths: rows of `leaven.analyze.bradley_terry`; empty unless three arms or more all met.
        cost: what the judge has cost, over all the runs that it took.
        calls: requests of this run.
    """

    folder: Path
    judge: Mapping[str, Any]
    prompts: Mapping[str, Any]
    arms: tuple[str, ...]
    baseline: str
    winrates: list[dict[str, Any]]
    strengths: list[dict[str, Any]]
    cost: Mapping[str, Any]
    calls: int

    def data(self) -> dict[str, Any]:
        """Plain data for programs."""
        return {**asdict(self), "folder": str(self.folder), "arms": list(self.arms)}


def judge(
    words: Sequence[str],
    judge: Judge,
    *,
    data: Sequence[str] = (),
    baseline: str | None = None,
    all_pairs: bool = False,
    runs: Path = Path("runs"),
    store: str | None = None,
    replies: Path | None = None,
    offline: bool = False,
    only_plan: bool = False,
    download: bool = False,
    backend: str = "auto",
    name: str | None = None,
    tell: Tell = lambda forecast: None,
    progress: Callable[[str], Progress] = lambda label: silent,
) -> Tournament | None:
    """Let arms meet before a judge.

    Args:
        words: the arms; see `leaven.arms.arms_of`.
        judge: from `leaven.study.load_judge`.
        data: where sets of prompts are looked for.
        baseline: the arm that the others are compared with; the last where not given.
        all_pairs: every arm meets every other.
        runs: results go to its folder `judgements`.
        store: where steps of studies are kept; see `leaven.subjects.find_model`.
        replies: the judge's answers so far; `runs/judgements/replies.jsonl` where not given.
        offline: nothing is asked that is not in `replies`.
        only_plan: stop before the judge is asked; what models wrote by then is kept.
        name: of the results' folder; by default it is named by its content.
        tell: called with what is about to be asked.
        progress: called with a label; gives the progress to tell.

    Raises:
        BadInput: an unusable arm, judge or prompt set; arms that completed different prompts.
        LeavenError: the judge is down, or its budget is spent: what was answered is kept.
    """
    from leaven.judge.run import judge_pair

    if judge.kind in ("reference-likelihood", "none"):
        raise BadInput(
            f"a judge of kind {judge.kind} is part of a study" if judge.kind != "none" else "there is no judge",
            field="judge.kind",
            fix="Give a judge file of kind endpoint or local, or scripted:longer for a try.",
        )
    check_judge(judge, lambda keys: "")
    arms = arms_of(words)
    base = _baseline(arms, baseline)
    home = runs / FOLDER
    _check_name(name)
    if replies is not None:
        _check_replies(replies)
    if not (offline or only_plan):
        require_key(judge)
    contest = the_prompts(arms, judge, data, home, progress("prompts"))
    complete_all(contest, home, store=store, backend=backend, download=download, progress=progress)
    pairs = _pairs([arm.name for arm in arms], base, all_pairs or judge.pairs == "all")
    weights = weights_of(str(judge.model), judge.revision, None) if judge.kind == "local" else ""
    fields = judge.identity(weights)
    key = identity([VERSIONS["judge"], fields, contest.hashes(), pairs])[:12]
    folder = home / (name or key)
    _check_folder(folder, key)
    cache = replies or home / REPLIES
    # Arms that are called otherwise spend from the same budget.
    scope = identity([fields, sorted(contest.hashes().values())])[:12]
    asked = judge_of(fields, judge.execution(), cache, scope=scope, offline=offline)
    tell(_forecast(contest, pairs, asked, judge, fields))
    if only_plan:
        return None
    before = _calls(asked)
    asks = judge.kind == "endpoint" and not offline
    with part(home) as made, alone(cache, progress("judge")) if asks else nullcontext():
        judgements = []
        for variant, other in pairs:
            out = made / "pairs" / f"{contest.place(variant)}-{contest.place(other)}"
            out.mkdir(parents=True)
            judge_pair(
                contest.folder(variant),
                contest.folder(other),
                asked,
                out,
                progress(f"{variant} against {other}"),
                gate=fields["gate"],
                controls=fields["controls"],
            )
            judgements.append({"variant": variant, "baseline": other, "seed": 1, "folder": out})
        votes = read_votes(judgements)
        rows = winrate_rows(votes, DRAWS, 0)
        names = [arm.name for arm in arms]
        found = strengths(votes, names, base, DRAWS, 0) if all_met(votes) else []
        cost = _cost(asked, judge)
        contest.copy(made / "completions")
        gathered = page(contest, fields, asked, base, rows, found, cost, judgements)
        write_tournament(gathered, made)
        told = {"judge": about(asked, fields), "prompts": contest.about, "arms": names, "baseline": base}
        write_json(made / "tournament.json", {**told, "winrates": rows, "strengths": found, "identity": key})
        write_json(made / "cost.json", cost)
        appear(made, folder, again=True)
    calls = _calls(asked) - before
    return Tournament(folder, about(asked, fields), contest.about, tuple(names), base, rows, found, cost, calls)


def _baseline(arms: Sequence[Arm], given: str | None) -> str:
    names = [arm.name for arm in arms]
    if given is not None and given not in names:
        raise BadInput(f'no arm "{given}"{did_you_mean(given, names)}', field="--baseline")
    return given or names[-1]


def _check_name(name: str | None) -> None:
    """The name becomes a folder among leaven's own."""
    if name is None or (re.fullmatch(r"[A-Za-z0-9][\w.-]{0,79}", name, re.ASCII) and name not in TAKEN):
        return
    raise BadInput(
        f'"{name[:80]}" cannot name a folder of results',
        field="--name",
        fix=f"Letters, digits, _, - and . only, and none of {', '.join(TAKEN)}.",
    )


def _check_folder(folder: Path, key: str) -> None:
    """Only an earlier state of the same tournament is replaced."""
    if not folder.exists():
        return
    try:
        same = read_json(folder / "tournament.json")["identity"] == key
    except (OSError, ValueError, LookupError, TypeError):
        same = False
    if not same:
        raise BadInput(
            "there is something else under this name", where=str(folder), field="--name", fix="Choose another."
        )


def _check_replies(path: Path) -> None:
    """A file that answers will be appended to must be one of answers."""
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            first = next((line for line in file if line.strip()), "")
        entry = json.loads(first) if first else {"key": ""}
    except FileNotFoundError:
        return
    except (OSError, ValueError, RecursionError):
        entry = None
    if not (isinstance(entry, dict) and {"key", "asking", "failed", "gave_up"} & set(entry)):
        raise BadInput("this is no file of a judge's answers", where=str(path), field="--replies")


def _calls(asked: Asked) -> int:
    """Requests so far: answered, or perhaps."""
    from leaven.judge.endpoint import Endpoint

    if not isinstance(asked, Endpoint):
        return 0
    spent = asked.cache.spent(asked.scope)
    return spent.replies + spent.unanswered


def _pairs(names: Sequence[str], baseline: str, every: bool) -> list[tuple[str, str]]:
    """Who meets whom: the baseline last, so that an outcome is that of the other."""
    ordered = [*(name for name in names if name != baseline), baseline]
    return [(a, b) for a, b in combinations(ordered, 2) if every or b == baseline]


def _forecast(
    contest: Contest, pairs: Sequence[tuple[str, str]], asked: Asked, judge: Judge, fields: Mapping[str, Any]
) -> Forecast:
    from leaven.analyze.preference_power import resolvable

    return Forecast(
        arms=tuple(arm.name for arm in contest.arms),
        pairs=len(pairs),
        prompts=contest.count,
        about={**contest.about, "notes": [*(contest.about.get("notes") or ()), *notes(contest)]},
        judge=asked.name,
        what=asked.what,
        estimate=_estimate(contest, pairs, asked, fields),
        budget=judge.budget,
        resolvable=resolvable(contest.count),
    )


def _estimate(
    contest: Contest, pairs: Sequence[tuple[str, str]], asked: Asked, fields: Mapping[str, Any]
) -> Estimate | None:
    """Of an endpoint's judge: what is not in its cache yet. The texts are there, so tokens are counted by length."""
    from leaven.judge.endpoint import Endpoint
    from leaven.judge.estimate import estimate
    from leaven.judge.run import questions_of

    if not isinstance(asked, Endpoint):
        return None
    questions = [
        question
        for a, b in pairs
        for question in questions_of(
            contest.folder(a), contest.folder(b), gate=fields["gate"], controls=fields["controls"]
        )
    ]
    return estimate(asked, questions)


def _cost(asked: Asked, judge: Judge) -> dict[str, Any]:
    """What an endpoint's judge has cost in this tournament; others cost nothing."""
    from leaven.judge.endpoint import Endpoint

    if not isinstance(asked, Endpoint):
        return {}
    price = judge.price.model_dump() if judge.price else None
    return cost_of(asked.cache, asked.scope, price, judge.budget)
