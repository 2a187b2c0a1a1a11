"""What a study says about judging: who compares completions, of which prompts, written and asked by which rules.

Pure data. What the paper leaves open (how an instruction is put before a base model, length, sampling, the tie rule)
is a field with a stated default (PAPER.md §4.3 and §9).
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, field_validator, model_validator

from leaven.ground.dialect import address
from leaven.study.sources import Name, Variable
from leaven.study.stages import Closed, Tokens, not_truth

HELDOUT = "heldout"
"""The set of prompts that are beginnings of the corpus's own held-out prose: no file, no instruction."""
ENDPOINT_ONLY = (
    "url", "key", "dialect", "decoding", "timeout", "tries", "replies", "at_once", "per_minute", "price", "budget",
    "most_calls",
)  # fmt: skip
WHO = {"endpoint": "an LLM behind an endpoint", "local": "a chat model on this computer", "scripted": "a script"}


def is_file(prompts: str) -> bool:
    """Whether a set of prompts is a file of the user's own: its name has a folder or an ending."""
    return "/" in prompts or bool(re.search(r"\.(jsonl?|parquet|arrow|csv|tsv|gz|zst)$", prompts))


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, str | int | float) and not isinstance(value, bool) else value


class VerdictLine(Closed):
    """How a template's verdict is written: `begins` and one of the strings, on a line of its own."""

    first: str = Field(min_length=1, description="the first completion is better")
    second: str = Field(min_length=1, description="the second is")
    tie: str | None = Field(default=None, description="neither is; without it the judge cannot call a tie")
    begins: str = Field(default="", description="what stands before the string, e.g. `Verdict:`")
    anywhere: bool = Field(default=False, description="the last of the strings counts wherever it stands")


class Template(Closed):
    """How a judge is asked to compare two completions; `{prompt}`, `{first}` and `{second}` are filled in."""

    template: Name = Field(description="its name")
    source: str = Field(default="", description="where it comes from, for readers")
    system: str = Field(default="", description="the system message")
    user: str = Field(description="the question, with {prompt}, {first} and {second}")
    verdict: VerdictLine = Field(description="how the answer is read")

    def as_asked(self) -> dict[str, Any]:
        """What decides a judge's answers and how they are read: all but where it comes from."""
        return self.model_dump(exclude={"source"})


class Prompts(Closed):
    """Which prompts are completed and judged."""

    set: str = Field(
        default=HELDOUT, description="heldout, a known set (dolly-200, alpaca-eval, …), or a file of your own"
    )
    where: dict[str, Annotated[list[str], BeforeValidator(_listed)]] = Field(
        default_factory=dict, description="only rows with one of these values, e.g. {category: [open_qa]}"
    )
    limit: Annotated[int, BeforeValidator(not_truth), Field(ge=1)] | None = Field(
        default=None, description="so many prompts, chosen by a hash"
    )
    frame: str | None = Field(default=None, description="how an instruction is put before a model: {instruction}")
    overlapping: Literal["keep", "drop"] = Field(
        default="keep", description="prompts that occur in training documents: reported, or left out as well"
    )

    @model_validator(mode="before")
    @classmethod
    def _from_name(cls, value: Any) -> Any:
        return {"set": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _possible(self) -> Prompts:
        if self.set == HELDOUT and (self.where or self.limit or self.frame):
            raise ValueError(
                "held-out beginnings have no `where`, `limit` or `frame`; `prompts` of the suite says how many"
            )
        return self


class Price(Closed):
    """US dollars per million tokens."""

    input: float = Field(ge=0, description="of what is sent")
    output: float = Field(ge=0, description="of what is written")


class Judge(Closed):
    """Who compares completions. The default needs no network and is not a judge of quality; it is called what it is."""

    kind: Literal["reference-likelihood", "endpoint", "local", "scripted", "none"] = Field(
        default="reference-likelihood", description="who judges; none: nothing is judged"
    )
    prompts: Prompts = Field(default=Prompts(), description="what is completed and judged")
    pairs: Literal["baseline", "all"] = Field(
        default="baseline", description="every variant against the baseline, or all against all"
    )
    completion: int | None = Field(
        default=None, ge=1, description="tokens of a completion at most, for every arm alike; 48 held-out, else 256"
    )
    temperature: float = Field(default=0.8, ge=0, description="of the completions")
    top_p: float = Field(default=1.0, gt=0, le=1, description="of the completions: share of probability drawn from")
    stop: Annotated[list[str], BeforeValidator(_listed)] | None = Field(
        default=None,
        description="a completion ends before these; `paragraph`: at an empty line. paragraph held-out, else the "
        "frame's next turn",
    )
    gate: Literal["lose", "ask"] | None = Field(
        default=None, description="degenerate completions lose unasked, or are judged as any; LLM judges are asked"
    )
    controls: int | None = Field(
        default=None, ge=0, description="pairs with a known answer, asked beside the others; 20 of an LLM, else none"
    )
    template: Template | None = Field(default=None, description="paper, ties, or a template file; LLM judges only")
    mixture: str | None = Field(
        default=None, description="reference-likelihood: what the reference model is trained on"
    )
    tokens: Tokens = Field(default=1_000_000, description="reference-likelihood: its budget")
    tie: float = Field(default=0.05, ge=0, description="bits per byte within which two completions tie")
    script: str = Field(default="", description="scripted: first, longer, coin, random; made-up answers, for tests")
    model: str | None = Field(
        default=None, description="endpoint: its name there; local: a folder or a name on the hub"
    )
    revision: str = Field(default="", description="of the model; with it the address is no part of a judge's identity")
    answer: int = Field(default=512, ge=1, description="local: tokens of an answer at most")
    url: str | None = Field(default=None, description="endpoint: address up to /v1")
    key: Variable | None = Field(
        default=None, description="name of the environment variable that holds the key; never the key"
    )
    dialect: Literal["openai", "cohere"] = Field(default="openai", description="endpoint: how it is spoken to")
    decoding: dict[str, Any] = Field(
        default_factory=lambda: {"temperature": 0, "max_tokens": 512},
        description="endpoint: sent with each question as it is",
    )
    timeout: float = Field(default=120, gt=0, description="seconds for one answer")
    tries: int = Field(default=5, ge=1, description="requests at most for one answer")
    replies: int = Field(default=3, ge=1, description="answers at most until one holds a verdict")
    at_once: int = Field(default=8, ge=1, le=256, description="requests under way at the same time")
    per_minute: float | None = Field(default=None, gt=0, description="requests begun in a minute at most")
    price: Price | None = Field(default=None, description="USD per million tokens: {input: 2.5, output: 10}")
    budget: float | None = Field(default=None, gt=0, description="USD that this study may spend on its judge")
    most_calls: int | None = Field(default=None, ge=1, description="requests that this study may make to its judge")

    @model_validator(mode="after")
    def _complete(self) -> Judge:
        if self.kind == "reference-likelihood" and not self.mixture:
            raise ValueError("a reference-likelihood judge needs `mixture`: what its model is trained on")
        if self.kind == "endpoint" and not (self.url and self.model):
            raise ValueError("an endpoint judge needs `url` and `model`")
        if self.kind == "local" and not self.model:
            raise ValueError("a local judge needs `model`: the folder of a chat model, or its name on the hub")
        if self.kind == "scripted" and not self.script:
            raise ValueError("a scripted judge needs `script`: first, longer, coin or random")
        if self.budget is not None and self.price is None:
            raise ValueError("a budget in USD needs `price`: {input: …, output: …}, USD per million tokens")
        self._only("endpoint", ENDPOINT_ONLY)
        self._only("scripted", ("script",))
        return self

    def _only(self, kind: str, names: tuple[str, ...]) -> None:
        """A field that another kind of judge would ignore is a mistake, not a wish."""
        given = [name for name in names if name in self.model_fields_set]
        if given and self.kind not in (kind, "none"):
            raise ValueError(f"`{given[0]}` belongs to {WHO[kind]}; this judge is {self.kind}")

    @field_validator("stop")
    @classmethod
    def _no_empty(cls, value: list[str] | None) -> list[str] | None:
        if value is not None and "" in value:
            raise ValueError("an empty string would end every completion at once")
        return value

    @property
    def asks(self) -> bool:
        """Whether it is a language model that reads the completions and answers in words."""
        return self.kind in ("endpoint", "local")

    @property
    def heldout(self) -> bool:
        return self.prompts.set == HELDOUT

    @property
    def longest(self) -> int:
        """Tokens of a completion at most."""
        return self.completion or (48 if self.heldout else 256)

    @property
    def degenerate(self) -> Literal["lose", "ask"]:
        return self.gate or ("ask" if self.asks else "lose")

    @property
    def checks(self) -> int:
        """Pairs with a known answer."""
        return (20 if self.asks else 0) if self.controls is None else self.controls

    def ends(self, frame_ends: tuple[str, ...]) -> tuple[tuple[str, ...], bool]:
        """The strings before which a completion ends, and whether an empty line ends it too.

        `frame_ends`: those that follow from the way instructions are put before a model.
        """
        if self.stop is None:
            return ((), True) if self.heldout else (frame_ends, False)
        return tuple(s for s in self.stop if s != "paragraph"), "paragraph" in self.stop

    @field_validator("decoding")
    @classmethod
    def _whole(cls, value: dict[str, Any]) -> dict[str, Any]:
        """`temperature: 0.0` asks for what `temperature: 0` does."""
        return {name: int(v) if isinstance(v, float) and v.is_integer() else v for name, v in value.items()}

    def identity(self, surveyed: str = "") -> dict[str, Any]:
        """What decides its votes. `surveyed`: the fingerprint of a local model's weights.

        With a revision the address is where a model is served, and no part of who judges.
        """
        fields: dict[str, Any] = {"judge": self.kind, "gate": self.degenerate, "controls": self.checks}
        if self.kind == "reference-likelihood":
            fields["tie"] = self.tie
        elif self.kind == "scripted":
            fields["script"] = self.script
        else:
            fields["template"] = self.template.as_asked() if self.template else None
        if self.kind == "local":
            fields |= {"model": surveyed, "answer": self.answer}
        if self.kind == "endpoint":
            fields |= {
                "model": self.model,
                "revision": self.revision,
                "url": "" if self.revision else address(self.dialect, str(self.url)),
                "dialect": self.dialect,
                "decoding": self.decoding,
                "replies": self.replies,
            }
        return fields

    def execution(self) -> dict[str, Any]:
        """How and where it is asked: no part of its identity. Never a key, only the name of its variable."""
        given = ("url", "key", "timeout", "tries", "at_once", "per_minute", "budget", "most_calls", "model", "revision")
        price = self.price.model_dump() if self.price else None
        return {name: getattr(self, name) for name in given} | {"price": price}
