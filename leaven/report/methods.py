"""A paragraph one could paste into a paper, made from what was declared and what was realised."""

from __future__ import annotations

from leaven.report import words
from leaven.report.contents import Contents
from leaven.report.judged import completions, overlaps, source
from leaven.report.preference import judge, seeds
from leaven.report.scripted import MEANING, WORD, any_scripted
from leaven.report.timeline import shares


def paragraph(contents: Contents) -> str:
    """The methods, in as many sentences as are known."""
    return " ".join(
        said
        for said in (
            _model(contents),
            _corpus(contents),
            _variants(contents),
            _sizes(contents),
            words.sentence(contents.study.get("scaling") or ""),
            _training(contents),
            _evaluation(contents),
            _point(contents),
            words.sentence(contents.verdict.get("method") or ""),
            _sweep(contents),
            _gates(contents),
            _preference(contents),
            _compute(contents),
        )
        if said
    )


def _model(contents: Contents) -> str:
    model = contents.study.get("model") or {}
    parameters = model.get("parameters")
    if model and parameters is None and len(contents.sizes) == 1:
        parameters = contents.sizes[0].get("parameters")
    shape = [
        f"{label} {words.amount(model[key]) if key == 'vocab' else model[key]}"
        for key, label in (
            ("layers", "layers"),
            ("width", "width"),
            ("heads", "heads"),
            ("ffn", "feed-forward width"),
            ("vocab", "vocabulary"),
            ("sequence", "sequence length"),
        )
        if model.get(key) is not None
    ]
    named = model.get("name") or model.get("size")
    shape = [f"size {named}", *shape] if named else shape
    size = f" of {words.amount(parameters)} parameters" if words.is_number(parameters) else ""
    if not size and not shape:
        return ""
    detail = f" ({', '.join(shape)})" if shape else ""
    return f"We trained decoder-only transformers{size}{detail}."


def _corpus(contents: Contents) -> str:
    named = []
    for name, row in contents.corpus.items():
        tokens = row.get("tokens")
        named.append(f"{name} ({words.amount(tokens)} tokens)" if words.is_number(tokens) else name)
    if not named:
        return ""
    return (
        f"The corpus has {words.count(len(named), 'source')}: {words.listing(named)}; held-out documents are disjoint "
        "by group and exact duplicates were removed across the split."
    )


def _variants(contents: Contents) -> str:
    variants = contents.study.get("variants") or {}
    if not variants:
        return ""
    told = [f"{name} ({', then '.join(str(stage) for stage in stages)})" for name, stages in variants.items()]
    seeds = contents.study.get("seeds")
    many = len(seeds) if isinstance(seeds, list | tuple) else seeds
    times = f", each with {words.count(many, 'seed')}" if isinstance(many, int) else ""
    mixtures = [
        f"{name} = {shares(weights)}"
        for name, weights in (contents.study.get("mixtures") or {}).items()
        if len(weights) > 1
    ]
    where = f" Mixtures, in shares of tokens: {'; '.join(mixtures)}." if mixtures else ""
    return (
        f"We compared {words.count(len(variants), 'variant')}{times}: {words.listing(told)}; the baseline is "
        f"{contents.baseline}. Stages that variants share were trained once per seed.{where}"
    )


def _sizes(contents: Contents) -> str:
    """Which variants were trained at which size, where there are several."""
    if len(contents.sizes) < 2:
        return ""
    told = []
    for row in contents.sizes:
        parameters = row.get("parameters")
        many = f", {words.amount(parameters)} parameters" if words.is_number(parameters) else ""
        names = [str(name) for name in row.get("variants") or []]
        which = "every variant" if set(names) == set(contents.variants) else words.listing(names)
        told.append(f"{row.get('size')} ({which}{many}; baseline {row.get('baseline')})")
    return (
        f"{words.count(len(told), 'size').capitalize()} of model were trained on the same data: {words.listing(told)}."
    )


def _point(contents: Contents) -> str:
    return "" if contents.point == "final" else f"Verdicts are about the models {contents.point}."


def _sweep(contents: Contents) -> str:
    """How the best share was found, where there is a sweep."""
    found = contents.optimum
    laws = list(
        dict.fromkeys(str(fit.get("law")) for row in found.get("measures") or [] for fit in row.get("fits") or [])
    )
    if not laws:
        return ""
    return (
        f"The best share of {found.get('of')} has the interval of any smooth curve that agrees with the means, the "
        "noise of seeds drawn jointly over all shares with the tails of a t and that of items added; where the "
        "interval spans more than half of the range, or touches an end of it, no best share is named. Beside it stand "
        f"{words.listing(laws)} as laws of the curve."
    )


def _gates(contents: Contents) -> str:
    """Seeds that gates left out: what a reader of a paper has to be told."""
    out = [row for row in contents.gates if row.get("effect") == "left out" and row.get("seed") is not None]
    if not out:
        return ""
    told = [f"{row.get('variant')} seed {row['seed']} ({row.get('gate')})" for row in out]
    return f"Left out by gates: {words.listing(told)}."


def _training(contents: Contents) -> str:
    kinds: dict[str, dict[str, None]] = {}
    for stage in contents.stages:
        rate = stage.get("learning_rate") or {}
        if words.is_number(rate.get("first")) and words.is_number(rate.get("last")):
            told = f"from {rate['first']:.2g} to {rate['last']:.2g}"
            kinds.setdefault(str(stage.get("kind")), {})[told] = None
    if not kinds:
        return ""
    spoken = [f"{kind} {words.listing(list(rates))}" for kind, rates in kinds.items()]
    return f"Learning rate by kind of stage: {'; '.join(spoken)}."


def _evaluation(contents: Contents) -> str:
    if not contents.suite:
        return ""
    tasks = [
        f"{name} ({words.amount(row['n'])} items)" if words.is_number(row.get("n")) else name
        for name, row in contents.suite.items()
    ]
    ran = any(row.get("form") == "program" for row in contents.suite.values())
    left = sorted({str(row.get("task")) for row in contents.excluded})
    out = f" Excluded because a compared model was not above chance: {words.listing(left)}." if left else ""
    guard = (
        f" Programs written by models ran at isolation level {contents.isolation}."
        if contents.isolation and ran
        else ""
    )
    return f"Every model was evaluated on {words.listing(tasks)}, keeping each item's result.{out}{guard}"


def tournament(contents: Contents) -> str:
    """The methods of a tournament: prompts, completions, judge, statistics."""
    return " ".join(said for said in (_preference(contents), _compute(contents)) if said)


def _preference(contents: Contents) -> str:
    """How completions were drawn, put before the judge and counted, as far as that is known."""
    rows = contents.winrates
    if not rows:
        return ""
    mark = f"{WORD}: {MEANING}" if any_scripted(contents) else ""
    prompts = contents.prompts
    chosen = prompts.get("chosen", prompts.get("rows"))
    origin = f" of {source(prompts)}" if source(prompts) else ""
    taken = f"Arms were compared on {words.amount(chosen)} prompts{origin}." if words.is_number(chosen) else ""
    unseen = " ".join(overlaps(prompts)) if prompts else ""
    drawn = " ".join(completions(contents))
    said = "Completions of held-out prompts were compared in both orders." if not prompts else ""
    asked = f"The judge: {judge(rows)}"
    template = contents.judge.get("template")
    by = f"It was asked with the template {template}." if template else ""
    gate = {
        "lose": "A degenerate completion loses to one that is not, and two of them tie, without asking.",
        "ask": "Degenerate completions were put before the judge like any other and counted.",
    }.get(str(contents.judge.get("gate")), "")
    return " ".join(part for part in (mark, taken, unseen, drawn, said, asked, by, _counting(contents), gate) if part)


MAJORITY = ", each decided by the majority of its seeds"


def _counting(contents: Contents) -> str:
    """What counts as a win, and how sure it is; only of pages whose rows hold what is told."""
    rows = contents.winrates
    if not contents.judge.get("template") and not any(words.is_number(row.get("half")) for row in rows):
        return ""
    several = seeds(rows) > 1
    votes, each = ("votes", "a vote (one for each prompt and seed)") if several else ("prompts", "a prompt")
    said = [
        f"Every pair was judged in both orders; a side wins {each} only if both orders agree, anything else that was "
        "answered is a tie, and a refusal, an unreadable verdict or an outage is an error that was asked again and "
        f"then excluded. The net win is wins less losses in points of the {votes} with an outcome"
        f"{', averaged over seeds' if several else ''}; its 95 % interval resamples prompts and holds the spread over "
        f"seeds; p-values are those of the exact sign test on decided prompts{MAJORITY if several else ''}, corrected "
        "over pairs by Holm's method."
    ]
    if any(words.is_number(row.get("zero_gap")) for row in rows):
        said.append(
            "The effect of length is the slope of a logistic fit of the outcome on the hyperbolic tangent of the "
            "standardised difference in length, and the win rate at equal length is what that fit gives at zero."
        )
    if contents.strengths:
        said.append(
            "Strengths are Bradley–Terry log odds, ties as half a win for each side, with intervals that resample "
            "whole prompts and are not corrected for their number."
        )
    return " ".join(said)


def _compute(contents: Contents) -> str:
    costs, provenance = contents.costs, contents.provenance
    parts = []
    if words.is_number(costs.get("tokens")):
        parts.append(f"{words.amount(costs['tokens'])} tokens")
    if words.is_number(costs.get("flops")):
        parts.append(f"{words.flops(costs['flops'])} floating-point operations")
    spent = f"Training took {words.listing(parts)}." if parts else ""
    version = f" Everything was run with leaven {provenance['leaven']}." if provenance.get("leaven") else ""
    return f"{spent}{version}".strip()
