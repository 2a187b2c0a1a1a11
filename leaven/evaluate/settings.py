"""How a task of lm-eval wants text generated, read from its `generation_kwargs`.

The names and their meaning are lm-eval's (`normalize_gen_kwargs` of its 0.4.13). A setting that would change the text
in a way that is not computed here is refused, never ignored.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import astuple, dataclass
from typing import Any

from leaven.ground.errors import BadInput, did_you_mean

MOST_TOKENS = ("max_gen_toks", "max_new_tokens", "max_tokens", "max_completion_tokens")
"""Names of the same setting; the first that is given counts."""

DEFAULT_TOKENS = 256
"""lm-eval's own, where a task does not say."""

READ = (*MOST_TOKENS, "until", "do_sample", "temperature", "top_p")
NEUTRAL: dict[str, Any] = {
    "num_beams": 1,
    "num_return_sequences": 1,
    "repetition_penalty": 1.0,
    "length_penalty": 1.0,
    "no_repeat_ngram_size": 0,
    "top_k": 0,
    "min_p": 0.0,
    "use_cache": True,
}
"""Settings that may be given with this value, or none: it changes nothing."""
ONLY_DRAWN = ("top_k", "min_p")
"""Settings that say how tokens are drawn, and nothing where none are."""


@dataclass(frozen=True)
class Settings:
    """See `leaven.evaluate.model.Ask`."""

    tokens: int
    stops: tuple[str, ...]
    temperature: float
    top_p: float

    def as_list(self) -> list[Any]:
        """Plain JSON values."""
        return [list(value) if isinstance(value, tuple) else value for value in astuple(self)]


def read_settings(given: Mapping[str, Any], longest: int, where: str = "") -> Settings:
    """The settings of one request.

    Args:
        longest: most tokens of the model's input; half of it is the most that is generated where the task does not say.
        where: the task and document, for messages.

    Raises:
        BadInput: a setting that is unknown, or has a value that means nothing.
    """
    temperature = _temperature(given, where)
    for name, value in given.items():
        if name in READ or value is None or (name in ONLY_DRAWN and not temperature):
            continue
        if name not in NEUTRAL or value != NEUTRAL[name]:
            raise BadInput(
                f"{value!r} is not what is computed here"
                if name in NEUTRAL
                else f"unknown setting{did_you_mean(name, READ)}",
                where=where,
                field=f"generation_kwargs.{name}",
            )
    return Settings(
        _tokens(given, longest, where), _stops(given.get("until"), where), temperature, _top_p(given, where)
    )


def _temperature(given: Mapping[str, Any], where: str) -> float:
    """0 unless the task draws. `do_sample` without a temperature draws at 1, as transformers does."""
    drawn = given.get("do_sample")
    temperature = _number(given, "temperature", 1.0 if drawn else 0.0, where)
    if temperature < 0:
        raise BadInput("must not be negative", where=where, field="generation_kwargs.temperature")
    return 0.0 if drawn is False else temperature


def _top_p(given: Mapping[str, Any], where: str) -> float:
    top_p = _number(given, "top_p", 1.0, where)
    if not 0 < top_p <= 1:
        raise BadInput("must be above 0 and at most 1", where=where, field="generation_kwargs.top_p")
    return top_p


def _tokens(given: Mapping[str, Any], longest: int, where: str) -> int:
    for name in MOST_TOKENS:
        if given.get(name) is not None:
            tokens = _number(given, name, 0, where)
            if tokens != int(tokens) or tokens < 1:
                raise BadInput("must be a whole number above 0", where=where, field=f"generation_kwargs.{name}")
            return int(tokens)
    return min(DEFAULT_TOKENS, max(1, longest // 2))


def _stops(until: Any, where: str) -> tuple[str, ...]:
    """Stops that are empty strings are left out: they would end every text before it begins."""
    stops = [] if until is None else [until] if isinstance(until, str) else until
    if not isinstance(stops, list | tuple) or not all(isinstance(stop, str) for stop in stops):
        raise BadInput("must be a string or a list of strings", where=where, field="generation_kwargs.until")
    return tuple(stop for stop in stops if stop)


def _number(given: Mapping[str, Any], name: str, default: float, where: str) -> float:
    value = default if given.get(name) is None else given[name]
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise BadInput(f"must be a number, not {value!r}", where=where, field=f"generation_kwargs.{name}")
    return float(value)
