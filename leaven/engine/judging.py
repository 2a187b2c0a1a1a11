"""Judging, from a study's fields to the rooms that do it: prompts surveyed, costs expected, judges made.

Endpoint judges of all studies of a store share one file of replies, and one of them asks at a time: what is under way
is bounded by one step's `at_once`, and a budget is checked against what every step has spent.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from leaven.engine.declared import Unseen
from leaven.engine.given import Hashes
from leaven.engine.task import Task
from leaven.ground.canonical import identity
from leaven.ground.errors import BadInput
from leaven.ground.progress import Progress, silent
from leaven.study.corpus_graph import Survey
from leaven.study.expand import JUDGE, PROMPTS
from leaven.study.judging import Judge, Prompts, is_file

if TYPE_CHECKING:
    from leaven.evaluate.prompts.plan import PromptPlan
    from leaven.ground.replies import ReplyCache
    from leaven.judge.question import Judge as Asked
    from leaven.judge.template import Template

REPLIES = "replies.jsonl"
WHERE = Callable[..., str]


def plan_of(prompts: Prompts | Mapping[str, Any], set_: str | None = None) -> PromptPlan:
    """The prompts of a judge, or of a prompts step, as the evaluation room knows them."""
    from leaven.evaluate.prompts.frame import FRAME
    from leaven.evaluate.prompts.plan import PromptPlan

    fields = prompts.model_dump() if isinstance(prompts, Prompts) else prompts
    return PromptPlan(
        set=set_ or fields["set"],
        where={name: tuple(values) for name, values in fields["where"].items()},
        limit=fields["limit"],
        frame=fields["frame"] or FRAME,
        overlapping=fields["overlapping"],
    )


def frame_ends(judge: Judge) -> tuple[str, ...]:
    """The strings that end a completion of a framed instruction."""
    if judge.kind == "none" or judge.heldout:
        return ()
    from leaven.evaluate.prompts.frame import stop_of

    return stop_of(plan_of(judge.prompts).frame)


def survey_judge(
    judge: Judge, data: list[str], cache: Path | None, where: WHERE, unseen: Unseen | None = None
) -> dict[str, Survey]:
    """The fingerprints of the judged prompts and of a local judge's weights, under their names in surveys.

    Args:
        unseen: what may be taken as declared: known sets of prompts, weights.

    Raises BadInput where prompts, weights, template or script cannot be used.
    """
    found: dict[str, Survey] = {}
    if judge.kind == "none":
        return found
    check_judge(judge, where)
    unseen = unseen or Unseen()
    if not judge.heldout:
        from leaven.evaluate.prompts.survey import survey_prompts

        prompts = partial(survey_prompts, plan_of(judge.prompts), data)
        named = f"prompts {judge.prompts.set}"
        with _named(("judge", "prompts"), where):
            own = is_file(judge.prompts.set)
            print_ = prompts() if own else unseen.look(named, prompts, str, mistakes=True)
        found[PROMPTS] = Survey(print_, 0, 0)
    if judge.kind == "local":
        weights = partial(weights_of, str(judge.model), judge.revision, cache)
        with _named(("judge", "model"), where):
            print_ = unseen.look(f"judge {judge.model}", weights, str, mistakes=True, hub=False)
        found[JUDGE] = Survey(print_, 0, 0)
    return found


def check_judge(judge: Judge, where: WHERE) -> None:
    """What a schema cannot say of a judge. Raises BadInput."""
    if judge.template is not None:
        with _named(("judge", "template"), where):
            template_of(judge.template.as_asked())
    if judge.kind == "scripted":
        from leaven.judge.scripted import Scripted

        with _named(("judge", "script"), where):
            Scripted(judge.script)
    if judge.kind == "endpoint":
        from leaven.ground.chat import Chat

        with _named(("judge", "url"), where):
            Chat(url=str(judge.url), model=str(judge.model), decoding=judge.decoding, dialect=judge.dialect)


def template_of(fields: Mapping[str, Any]) -> Template:
    from leaven.judge.template import template_of as made

    return made(fields)


def weights_of(name: str, revision: str, cache: Path | None) -> str:
    """The fingerprint of a chat model's files. Raises BadInput where it is not on this computer or cannot be used."""
    from leaven.evaluate.hugging_folder import find_folder, look_through, require

    require()
    folder = find_folder(name, revision=revision or "main")
    files, hashes = look_through(folder), Hashes.open(cache)
    return identity([[path.name, hashes.digest(path)] for path in (*files.weights, *files.others)])


def make_judge(task: Task) -> Asked:
    """The judge of a judge step."""
    fields, given = task.fields, task.step.execution
    kind = fields["judge"]
    if kind == "reference-likelihood":
        from leaven.evaluate.adapter import score_completions
        from leaven.evaluate.subject import Subject
        from leaven.judge.scored import ReferenceLikelihood

        reference = Subject.load(task.inputs["reference"], task.inputs["tokenizer"])
        return ReferenceLikelihood(partial(score_completions, reference), fields["tie"])
    cache = task.cache / "judge" / REPLIES
    return judge_of(fields, given, cache, scope=str(given["scope"]))


def judge_of(
    fields: Mapping[str, Any], given: Mapping[str, Any], cache: Path, *, scope: str, offline: bool = False
) -> Asked:
    """A judge that needs nothing of a study.

    Args:
        fields: `leaven.study.judging.Judge.identity()`. given: its `execution()`.
        cache: the file of replies.
        scope: whose budget is spent.
        offline: nothing is asked; replies come from the cache.
    """
    if fields["judge"] == "scripted":
        from leaven.judge.scripted import Scripted

        return Scripted(fields["script"])
    from leaven.ground.replies import ReplyCache

    replies = ReplyCache(cache, offline=offline)
    template = template_of(fields["template"])
    if fields["judge"] == "local":
        from leaven.judge.local import Local

        judge = Local.load(
            given["model"], template, replies, revision=given["revision"], tokens=fields["answer"], offline=offline
        )
        return judge
    from leaven.ground.chat import Chat
    from leaven.ground.pace import Pace
    from leaven.judge.endpoint import Endpoint
    from leaven.judge.spending import Price

    chat = Chat(
        url=given["url"],
        model=fields["model"],
        key_name=given["key"],
        decoding=fields["decoding"],
        timeout=given["timeout"],
        tries=given["tries"],
        dialect=fields["dialect"],
        pace=Pace(given["at_once"], given["per_minute"]),
    )
    return Endpoint(
        chat,
        replies,
        template,
        revision=fields["revision"],
        replies=fields["replies"],
        at_once=given["at_once"],
        price=Price(**given["price"]) if given["price"] else None,
        budget=given["budget"],
        most_calls=given["most_calls"],
        scope=scope,
        offline=offline,
    )


def cost_of(cache: ReplyCache, scope: str, price: Mapping[str, float] | None, budget: float | None) -> dict[str, Any]:
    """What a judge has cost in a scope so far, by the endpoint's own count of tokens."""
    from leaven.judge.spending import Price, usd_of

    spent = cache.spent(scope)
    usd = usd_of(spent, Price(**price) if price else None)
    return {**asdict(spent), "calls": spent.replies + spent.unanswered, "usd": usd, "budget": budget}


@contextlib.contextmanager
def alone(replies: Path, told: Progress = silent) -> Iterator[None]:
    """Wait until nobody else asks an endpoint whose replies are kept in this file, and keep others waiting."""
    replies.parent.mkdir(parents=True, exist_ok=True)
    lock = os.open(replies.with_name(f"{replies.name}.lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            told(0, 0, "waiting for another run that asks a judge")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def require_key(judge: Judge) -> None:
    """Raises BadInput where the environment holds no key for an endpoint that wants one: before anything is trained."""
    if judge.kind == "endpoint" and judge.key and not os.environ.get(judge.key, "").strip():
        raise BadInput(
            f"the environment variable {judge.key} is not set, and the judge's endpoint wants its key",
            field="judge.key",
            fix=f"export {judge.key}=…, or remove judge.key for a server that wants none.",
        )


@contextlib.contextmanager
def _named(keys: tuple[str, ...], where: WHERE) -> Iterator[None]:
    """Errors at the line of the study's file."""
    try:
        yield
    except BadInput as error:
        raise BadInput(
            error.what, where=error.where or where(keys), field=error.field or ".".join(keys), fix=error.fix
        ) from None
