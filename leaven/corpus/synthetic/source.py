"""The documents of a synthetic source."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from leaven.corpus.document import Document, Tally
from leaven.corpus.plan import SourcePlan
from leaven.corpus.synthetic import generate, overlap
from leaven.corpus.synthetic.endpoint import Writer, written
from leaven.corpus.synthetic.execute import DEPTHS
from leaven.corpus.synthetic.normal import fingerprint
from leaven.corpus.synthetic.problem import Problem, document
from leaven.corpus.synthetic.verify import Verified, verify
from leaven.ground.errors import BadInput
from leaven.ground.progress import Progress, silent
from leaven.sandbox.cores import cores

CHUNK = 2000
"""Problems verified at a time."""
WAVE = 32
"""Requests after which it is looked whether enough problems were verified."""


def documents(
    plan: SourcePlan, tally: Tally, progress: Progress = silent, *, cache: Path | None = None
) -> Iterator[Document]:
    """The verified problems of a source, as documents with the labels `family`, `verified` and `mutants`; an endpoint's
    also with `isolation` and `model`.

    Options of the plan: `count`; `style` "tiny" or "textbook"; `verify` "tests", "properties" or "contracts";
    `endpoint` (see `endpoint.Writer.of`), which is asked until `count` problems are verified or its budget is spent;
    `held_out`, a share of the families that are left out; `against`, files of benchmarks whose problems are left out;
    `allow_unisolated`, for an endpoint's programs on a computer that cannot isolate them.

    Args:
        cache: folder for an endpoint's replies.

    Raises:
        BadInput: an option cannot be used.
        LeavenError: programs cannot be executed, or an endpoint does not answer.
    """
    known = overlap.read(map(Path, plan.options.get("against", ())))
    check = _checker(plan, tally, progress)
    count = int(plan.options["count"])
    if plan.options.get("endpoint"):
        found = _written(plan, count, tally, cache, check)
    else:
        found = _drawn(plan, count, tally, check)
    done = 0
    for verified in found:
        done += 1
        progress(done, count, "problems")
        problem = verified.problem
        reason = overlap.overlaps(problem, known)
        if reason is not None:
            tally.dropped[" ".join(reason.split()[:2]) + " as a benchmark's"] += 1
            continue
        yield _document(verified, plan)


def _document(verified: Verified, plan: SourcePlan) -> Document:
    problem = verified.problem
    labels = {"family": problem.family, **verified.labels}
    licence = "Apache-2.0"
    if not plan.options.get("endpoint"):
        # Drawn problems are leaven's own and the same everywhere: how this computer isolates is no fact about them.
        labels.pop("isolation", None)
    else:
        # Whose it is depends on the terms of whoever runs the model.
        labels["model"], licence = str(plan.options["endpoint"]["model"]), ""
    return Document(
        problem.id, document(problem), f"synthetic/{problem.id}", problem.group, "python", licence, labels=labels
    )


Check = Callable[[Sequence[Problem]], list[Verified]]


def _checker(plan: SourcePlan, tally: Tally, progress: Progress) -> Check:
    depth: Any = plan.options.get("verify", "tests")
    if depth not in DEPTHS:
        raise BadInput(f'"{depth}" is no level of verification', field="verify", fix=f"Known: {', '.join(DEPTHS)}.")
    foreign = bool(plan.options.get("endpoint"))

    def check(problems: Sequence[Problem]) -> list[Verified]:
        return verify(
            problems,
            level_wanted=depth,
            workers=cores(),
            allow_unisolated=not foreign or bool(plan.options.get("allow_unisolated")),
            apart=foreign,
            # One-line functions often have a single place for a fault, and it may be one that three tests miss.
            sensitive=foreign or plan.options.get("style", "tiny") != "tiny",
            tally=tally,
        )

    return check


def _is_left_out(plan: SourcePlan, problem: Problem, tally: Tally) -> bool:
    left_out = generate.held_out(problem.family, plan.seed, float(plan.options.get("held_out", 0)))
    if left_out:
        tally.dropped["family is held out"] += 1
    return left_out


def _drawn(plan: SourcePlan, count: int, tally: Tally, check: Check) -> Iterator[Verified]:
    problems = generate.problems(plan.seed, count, style=plan.options.get("style", "tiny"))
    tally.files += count
    kept = [problem for problem in problems if not _is_left_out(plan, problem, tally)]
    for first in range(0, len(kept), CHUNK):
        yield from check(kept[first : first + CHUNK])


def _written(plan: SourcePlan, count: int, tally: Tally, cache: Path | None, check: Check) -> Iterator[Verified]:
    if cache is None:
        raise BadInput("an endpoint needs a folder to keep its replies in", field="endpoint")
    writer = Writer.of(plan.options["endpoint"], cache / "synthetic")
    seen: set[bytes] = set()
    found = 0
    for first in range(0, writer.budget, WAVE):
        asked = min(WAVE, writer.budget - first)
        fresh = []
        for problem in written(writer, plan.seed, first, asked, tally):
            key = fingerprint(problem.prompt + problem.solution)
            if key in seen:
                tally.dropped["same solution as another"] += 1
            elif not _is_left_out(plan, problem, tally):
                fresh.append(problem)
            seen.add(key)
        tally.files += asked
        for verified in check(fresh):
            if found < count:
                found += 1
                yield verified
        if found >= count:
            return
    tally.skipped["problems that the endpoint's budget did not reach"] += count - found
