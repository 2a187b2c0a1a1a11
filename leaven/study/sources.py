"""The corpus of a study as data: named sources, and what is done to all of them together.

Every rule has a name and every threshold can be set here; nothing about a corpus is decided in code alone.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from leaven.study.amounts import size as parse_size
from leaven.study.stages import Closed, not_truth

Bytes = Annotated[int, BeforeValidator(parse_size), Field(gt=0)]
SourceKind = Literal["text", "web_code", "markup", "adjacent", "synthetic", "instruct", "facts", "control"]
GENERATED = frozenset({"synthetic", "facts"})
"""Source kinds that leaven makes where no path is given."""
LONGEST_NAME = 60
Number = Annotated[float, BeforeValidator(not_truth)]


def name_of(value: str) -> str:
    """Names stand in paths of steps, in tables and on the terminal."""
    if not value.strip() or value != value.strip() or len(value) > LONGEST_NAME:
        raise ValueError(f"a name has 1 to {LONGEST_NAME} characters and no space at its ends")
    if "/" in value or not value.isprintable() or value in (".", ".."):
        raise ValueError("a name holds no slash and no control character, and is not . or ..")
    return value


Name = Annotated[str, AfterValidator(name_of)]


def _source_name(value: str) -> str:
    if not re.fullmatch(r"\w[\w.-]*", name_of(value)):
        raise ValueError("the name of a source becomes the name of files: letters, digits, _, - and . only")
    return value


SourceName = Annotated[str, AfterValidator(_source_name)]


def _variable(value: str) -> str:
    if not re.fullmatch(r"[A-Za-z_]\w{0,99}", value, re.ASCII):
        # Not repeated: what stands there is likely the key itself.
        raise ValueError("the name of an environment variable is wanted here, never the key itself: letters, digits, _")
    return value


Variable = Annotated[str, AfterValidator(_variable)]
"""The name of an environment variable that holds a secret."""


class Hub(Closed):
    """A data set of the Hugging Face hub."""

    dataset: str = Field(pattern=r"^[\w.-]+/[\w.-]+$", description="owner/name")
    revision: str | None = Field(default=None, description="branch, tag or commit; what it stands for is recorded")
    files: list[str] = Field(default_factory=list, description="patterns of file names; empty: every data file")


class Endpoint(Closed):
    """An OpenAI-compatible server that is asked for problems."""

    url: str = Field(description="address up to /v1, e.g. http://127.0.0.1:8000/v1")
    model: str = Field(description="its name there")
    key: Variable | None = Field(default=None, description="name of the environment variable that holds the key")
    temperature: float = Field(default=0.8, ge=0, description="of its sampling")
    budget: int = Field(default=1000, ge=1, description="requests at most")


class Top(Closed):
    """The languages with the most documents after filtering."""

    top: int = Field(ge=1, description="how many languages")


class Source(Closed):
    """One stream of documents of one kind."""

    kind: SourceKind = Field(description="how its documents are found, filtered and written")
    path: str | None = Field(default=None, description="the user's own files; without it, what this computer holds")
    hub: Hub | None = Field(default=None, description="a data set of the Hugging Face hub (extra `hub`)")
    packages: Literal["all", "pypi", "npm"] | None = Field(
        default=None, description="the pinned list of released packages, or one registry's part of it"
    )
    shape: str = Field(
        default="", description="preset of field mapping: slimpajama, stack1, stack2, starcoder, dolly …"
    )
    fields: dict[str, str] = Field(default_factory=dict, description="role → dotted field of a record")
    leave: dict[str, list[str]] = Field(default_factory=dict, description="role → values whose records are left out")
    form: Literal["", "commits", "commitpack", "issues", "notebooks", "scripts", "threads"] = Field(
        default="", description="adjacent: what is made of it; empty: of each file what it is"
    )
    range: Literal["fixed", "faithful"] = Field(
        default="fixed", description="commits: the changed range, or StarCoder's, which begins at the first line"
    )
    languages: Literal["all", "paper"] | list[str] | Top = Field(
        default="all", description="kept after filtering: all, the paper's list, named ones, or {top: N}"
    )
    licences: Literal["any", "permissive", "permissive+none"] | list[str] = Field(
        default="any", description="kept: any, those of the permissive list (and documents without one), named ones"
    )
    rules: list[str] | None = Field(
        default=None, description="rulesets; without it `paper` for code and markup, else none"
    )
    thresholds: dict[str, Number] = Field(default_factory=dict, description="e.g. starcoder1.max_line: 500")
    redact: bool = Field(default=False, description="replace secrets and personal data (regex + entropy)")
    docstrings: Literal["keep", "remove"] = Field(default="keep", description="web_code: of Python files")
    near: bool | None = Field(default=None, description="near-duplicates removed; without it: unless generated")
    group: Literal["document", "folder"] = Field(default="document", description="what is held out together")
    max: Bytes = Field(default=8_000_000, description="bytes of documents to keep at most")
    count: int = Field(default=0, ge=0, description="synthetic: problems; facts: facts to state")
    restatements: int = Field(default=40, ge=1, description="facts: how often each fact is stated")
    style: Literal["tiny", "textbook"] = Field(default="tiny", description="synthetic: which families are drawn from")
    verify: Literal["tests", "properties", "contracts"] = Field(default="tests", description="synthetic: how well")
    held_out: float = Field(default=0.0, ge=0, lt=1, description="synthetic: share of families that are left out")
    endpoint: Endpoint | None = Field(default=None, description="synthetic: who is asked for problems")
    of: str | None = Field(default=None, description="control: the source whose documents are transformed")
    transform: str | None = Field(default=None, description="control: what is done to them")
    optional: bool = Field(default=False, description="left out by name, not refused, where nothing is found")

    @model_validator(mode="after")
    def _one_origin(self) -> Source:
        given = [name for name in ("path", "hub", "packages") if getattr(self, name) is not None]
        if len(given) > 1:
            raise ValueError(f"a source comes from one place, not from {' and '.join(given)}")
        if self.kind == "facts" and given:
            raise ValueError("facts are generated, because the probes ask for them; give your files another kind")
        if self.kind in GENERATED and not given and not self.count:
            raise ValueError(f"a source of kind {self.kind} needs a `count` of at least 1, or a path")
        if self.kind == "instruct" and not given:
            raise ValueError("instruction data is not found on a computer: give `path` or `hub`")
        unused = sorted(self.model_fields_set & self._foreign())
        if unused:
            raise ValueError(
                f"`{'`, `'.join(unused)}` would have no effect on this source ({self.kind}, {self.origin})"
            )
        if self.kind == "control" and (given or not self.of or not self.transform):
            raise ValueError("a control needs `of` (a source) and `transform`, and nothing else")
        if self.kind != "control" and (self.of or self.transform):
            raise ValueError("`of` and `transform` belong to kind control")
        return self

    def _foreign(self) -> set[str]:
        """Fields that such a source does not use: set, they would be a promise that is not kept."""
        if self.kind == "control":
            return set(type(self).model_fields) - {"kind", "of", "transform", "path", "hub", "packages", "optional"}
        foreign = set() if self.kind in ("web_code", "markup") else {"languages", "docstrings"}
        if self.origin == "generated":
            foreign |= {
                "rules",
                "thresholds",
                "redact",
                "licences",
                "shape",
                "fields",
                "leave",
                "form",
                "range",
                "group",
            }
        elif self.origin == "workstation":
            foreign |= {"shape", "fields", "leave", "form", "range", "group"}
        if self.kind not in GENERATED:
            foreign |= {"count", "restatements", "style", "verify", "held_out", "endpoint"}
        if self.kind != "adjacent":
            foreign |= {"form", "range"}
        return foreign

    @property
    def origin(self) -> str:
        """Where its documents come from: path, hub, packages, generated or workstation."""
        for name in ("path", "hub", "packages"):
            if getattr(self, name) is not None:
                return name
        return "generated" if self.kind in GENERATED else "workstation"

    @property
    def rulesets(self) -> list[str]:
        """The rulesets that apply."""
        return RULES.get(self.kind, []) if self.rules is None else self.rules

    @property
    def is_near(self) -> bool:
        """Whether near-duplicates are removed. Generated documents resemble each other by design."""
        return self.origin != "generated" if self.near is None else self.near


RULES = {"web_code": ["paper"], "markup": ["paper"]}
"""Rulesets of a kind where a source names none. Text and records of other kinds are taken as they are."""


class Near(Closed):
    """MinHash near-duplicate removal. Defaults: StarCoder's (`corpus/data/near.toml` has the sources)."""

    tokens: Literal["starcoder1", "stack2", "slimpajama"] = Field(
        default="starcoder1", description="the preset: how words are cut, and its values for what is not given here"
    )
    ngram: int | None = Field(default=None, ge=1, description="words in a shingle; without it the preset's")
    permutations: int | None = Field(
        default=None, ge=16, le=1024, description="hashes in a signature; without it the preset's"
    )
    threshold: float | None = Field(default=None, gt=0, lt=1, description="Jaccard similarity")
    bands: int | None = Field(default=None, ge=1, description="bands of a signature; without it the preset's")
    rows: int | None = Field(default=None, ge=1, description="hashes in a band; without it the preset's")
    short: Literal["keep", "faithful"] = Field(
        default="keep",
        description="documents without one n-gram: kept, or all but one removed as in the original",
    )
    verify: Literal["none", "signature"] = Field(
        default="signature", description="whether two documents of one band must also agree in their signatures"
    )


class Deduplicate(Closed):
    """Exact duplicates always go, within and across sources; near-duplicates by `near`."""

    near: Near | None = Field(default=Near(), description="settings, the name of a preset, or `none`")
    across: bool = Field(default=True, description="near-duplicates also between sources")

    @model_validator(mode="before")
    @classmethod
    def _from_name(cls, value: Any) -> Any:
        """`near: slimpajama` for a preset, `near: none` for nothing."""
        if not isinstance(value, dict) or not isinstance(value.get("near"), str):
            return value
        word = value["near"]
        return {**value, "near": None if word == "none" else {"tokens": word}}


class TokenizerSpec(Closed):
    """A tokenizer that is trained on the corpus, or one that is given."""

    path: str | None = Field(default=None, description="a tokenizer.json (byte-level BPE) in place of a trained one")
    vocabulary: int = Field(default=2048, ge=300, le=256_000, description="tokens of a trained one")
    sample: Bytes = Field(default=2_000_000, description="bytes of each source the BPE is trained on")

    @model_validator(mode="after")
    def _trained_or_given(self) -> TokenizerSpec:
        unused = sorted(self.model_fields_set & {"vocabulary", "sample"})
        if self.path is not None and unused:
            raise ValueError(f"`{'`, `'.join(unused)}` would have no effect on a tokenizer that is given")
        return self


class Corpus(Closed):
    """Named sources and what is done to all of them."""

    corpus: SourceName = Field(description="names the folder that its results are told in")
    note: str = Field(default="", description="what the corpus is, for the report")
    sources: dict[SourceName, Source] = Field(min_length=1, description="sources by name")
    deduplicate: Deduplicate = Field(default=Deduplicate(), description="what is removed as a duplicate")
    decontaminate: dict[str, str] = Field(
        default_factory=dict, description="task → file or folder of its items, which training must not hold"
    )
    cut: int = Field(default=0, ge=0, description="characters after which a document is cut in pieces; 0: never")
    heldout: float = Field(default=0.05, gt=0, lt=0.5, description="share of packages or documents held out")
    heldout_max: Bytes = Field(default=400_000, description="bytes held out of each source at most")
    tokenizer: TokenizerSpec = Field(default=TokenizerSpec(), description="one for all sources and variants")

    @model_validator(mode="after")
    def _controls(self) -> Corpus:
        for name, source in self.sources.items():
            if source.of is not None and (source.of not in self.sources or self.sources[source.of].kind == "control"):
                raise ValueError(f'source {name} is a control of "{source.of}", which is not another source here')
        return self
