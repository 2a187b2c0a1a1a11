"""The same weights and the same task files scored by lm-eval's own `hf` backend, by our adapter on JAX and by our
adapter on torch: per-request log-likelihoods, accuracies and texts.

The model is a small random one, exported as `leaven export` does it; the items are of real benchmarks, in task files
without templates. It is shorter than some of the items, so that contexts are cut and passages fall into windows.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest
import yaml

from leaven.corpus.document import Document, write_documents
from leaven.corpus.tokenizer import train_tokenizer
from leaven.evaluate.adapter import Adapter
from leaven.evaluate.native import Native
from leaven.evaluate.subject import Subject
from leaven.model.config import ModelConfig
from leaven.model.huggingface import export_folder
from leaven.model.init import init

pytestmark = [pytest.mark.peer, pytest.mark.filterwarnings("ignore")]  # theirs: datasets, accelerate, transformers

torch = pytest.importorskip("torch", reason="the peer environment holds torch: make test-peers")
pytest.importorskip("accelerate", reason="lm-eval's hf backend needs accelerate: make test-peers")

from leaven.evaluate.hugging import Hugging  # noqa: E402 (after the skip)

SHARED = Path(os.environ.get("LEAVEN_SHARED", Path(__file__).parents[2] / "../shared")) / "benchdata"
CONFIG = ModelConfig(width=64, layers=3, heads=4, kv_heads=2, ffn=160, vocab=1024, sequence=256)
LIMIT = 40
NEAR = 1e-3
"""Nats that two computations of a request may differ."""


def asked(query: str, choices: Sequence[str], between: str = " ") -> dict[str, Any]:
    """White space at the end of a context belongs to the choices, as lm-eval has it."""
    context = query.rstrip()
    return {"context": context, "choices": [query[len(context) :] + between + choice for choice in choices]}


def of_query(row: Mapping[str, Any]) -> dict[str, Any]:
    return {**asked(row["query"], row["choices"]), "gold": row["gold"]}


def of_question(row: Mapping[str, Any]) -> dict[str, Any]:
    return {**asked(row["query"].rstrip() + "\nAnswer:", row["choices"]), "gold": row["gold"]}


def of_cb(row: Mapping[str, Any]) -> dict[str, Any]:
    labels = ["entailment", "contradiction", "neutral"]
    query = f"{row['premise']}\nQuestion: {row['hypothesis']} True, False, or Neither?\nAnswer:"
    return {**asked(query, ["True", "False", "Neither"]), "gold": labels.index(row["label"])}


def of_winogrande(row: Mapping[str, Any]) -> dict[str, Any]:
    return {"contexts": row["context_options"], "text": " " + row["continuation"], "gold": row["gold"]}


def of_passage(row: Mapping[str, Any]) -> dict[str, Any]:
    return {"text": row["query"]}


CHOICES: dict[str, tuple[str, Callable[[Mapping[str, Any]], dict[str, Any]]]] = {
    "piqa": ("piqa/piqa.jsonl", of_question),
    "arc_easy": ("arc_easy/arc_easy.jsonl", of_question),
    "hellaswag": ("hellaswag/hellaswag_val.jsonl", of_query),
    "copa": ("copa/copa.jsonl", of_query),
    "boolq": ("boolq/boolq.jsonl", of_question),
    "cb": ("cb/cb_val.jsonl", of_cb),
    "winogrande": ("winogrande/winogrande.jsonl", of_winogrande),
}
ACCURACIES = [{"metric": metric, "aggregation": "mean", "higher_is_better": True} for metric in ("acc", "acc_norm")]
CHOICE = {
    "output_type": "multiple_choice",
    "doc_to_text": "context",
    "doc_to_target": "gold",
    "doc_to_choice": "choices",
    "target_delimiter": "",
    "metric_list": ACCURACIES,
}
MATCH = {**CHOICE, "doc_to_text": "gold", "doc_to_target": "text", "doc_to_choice": "contexts"}
ROLLING = {
    "output_type": "loglikelihood_rolling",
    "doc_to_text": "",
    "doc_to_target": "text",
    "metric_list": [{"metric": "bits_per_byte"}],
}
WRITTEN = {
    "output_type": "generate_until",
    "doc_to_text": "context",
    "doc_to_target": "{{choices[gold]}}",
    "generation_kwargs": {"until": ["\n", "."], "max_gen_toks": 24, "do_sample": False},
    "metric_list": [{"metric": "exact_match", "aggregation": "mean", "higher_is_better": True}],
}
Samples = dict[str, list[dict[str, Any]]]


@pytest.fixture(scope="module")
def rows() -> dict[str, list[dict[str, Any]]]:
    if not SHARED.is_dir():
        pytest.skip(
            "no shared benchmark files: benchdata is not beside the checkout and LEAVEN_SHARED does not name it"
        )
    found = {}
    for name, (file, made) in CHOICES.items():
        lines = (SHARED / file).read_text(encoding="utf-8").split("\n")[:LIMIT]
        found[name] = [made(json.loads(line)) for line in lines if line]
    piqa = (SHARED / "piqa/piqa.jsonl").read_text(encoding="utf-8").split("\n")[:LIMIT]
    passages = (SHARED / "boolq/boolq.jsonl").read_text(encoding="utf-8").split("\n")[:LIMIT]
    return {
        **found,
        "merged": [of_query(json.loads(line)) for line in piqa],
        "passages": [of_passage(json.loads(line)) for line in passages],
        "written": found["arc_easy"],
    }


@pytest.fixture(scope="module")
def folder(rows: dict[str, list[dict[str, Any]]], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The model as a Hugging Face folder."""
    made = tmp_path_factory.mktemp("model")
    for side in ("train", "heldout"):
        (made / side).mkdir()
        documents = [Document(str(n), row["text"], "p", str(n)) for n, row in enumerate(rows["passages"])]
        write_documents(made / side / "text.parquet", documents)
    (made / "tokenizer").mkdir()
    train_tokenizer(made, made / "tokenizer", vocab=CONFIG.vocab, sample_bytes=100_000)
    # twice the usual weights: with them some tokens are much likelier than others
    params = jax.tree.map(lambda w: 2 * w, init(CONFIG, 3))
    export_folder(params, CONFIG, made / "tokenizer" / "tokenizer.json", made / "exported")
    return made / "exported"


@pytest.fixture(scope="module")
def tasks(rows: dict[str, list[dict[str, Any]]], tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The tasks, as lm-eval loads them from files."""
    from lm_eval.tasks import TaskManager

    place = tmp_path_factory.mktemp("tasks")
    for name, items in rows.items():
        (place / f"{name}.jsonl").write_text("".join(json.dumps(item) + "\n" for item in items), encoding="utf-8")
        form = {"winogrande": MATCH, "passages": ROLLING, "written": WRITTEN}.get(name, CHOICE)
        source = {
            "task": name,
            "dataset_path": "json",
            "dataset_kwargs": {"data_files": {"test": str(place / f"{name}.jsonl")}, "cache_dir": str(place / "cache")},
            "test_split": "test",
        }
        (place / f"{name}.yaml").write_text(yaml.safe_dump({**source, **form}), encoding="utf-8")
    manager = TaskManager(include_path=str(place), include_defaults=False)
    return lambda names: manager.load(list(names))


@pytest.fixture(scope="module")
def score(tasks: Any) -> Callable[..., tuple[Samples, Any]]:
    """(samples, results) of an lm-eval model on tasks."""
    from lm_eval.evaluator import evaluate

    def call(lm: Any, names: Sequence[str]) -> tuple[Samples, Any]:
        found = evaluate(lm, tasks(names), bootstrap_iters=0, log_samples=True)
        ordered = {
            name: sorted(found["samples"][name], key=lambda sample: int(sample["doc_id"])) for name in found["samples"]
        }
        return ordered, found["results"]

    return call


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """lm-eval warns of every context that it cuts."""
    logging.disable(logging.WARNING)
    before = torch.get_num_threads()
    torch.set_num_threads(1)  # on a busy machine threads that wait for each other cost more than these sums
    yield
    torch.set_num_threads(before)
    logging.disable(logging.NOTSET)


def theirs(folder: Path, **options: Any) -> Any:
    from lm_eval.models.huggingface import HFLM

    return HFLM(pretrained=str(folder), device="cpu", dtype="float32", batch_size=16, **options)


def ours(folder: Path, start: Any) -> dict[str, Any]:
    return {
        "JAX": Adapter(Native(Subject.imported(folder), start=start)),
        "torch": Adapter(Hugging.load(folder, start=start, device="cpu")),
    }


def nats(samples: Sequence[Mapping[str, Any]]) -> list[list[float]]:
    return [
        [answer[0] if isinstance(answer, tuple | list) else answer for answer in s["filtered_resps"]] for s in samples
    ]


def greedy(samples: Sequence[Mapping[str, Any]]) -> list[list[bool]]:
    return [[bool(answer[1]) for answer in sample["filtered_resps"]] for sample in samples]


def alike(name: str, mine: tuple[Samples, Any], other: tuple[Samples, Any]) -> None:
    """Equal nats, flags and accuracies of a task of choices."""
    (samples, results), (their_samples, their_results) = mine, other
    found, expected = nats(samples[name]), nats(their_samples[name])
    assert [len(one) for one in found] == [len(one) for one in expected]
    np.testing.assert_allclose([*chain(*found)], [*chain(*expected)], rtol=0, atol=NEAR)
    assert greedy(samples[name]) == greedy(their_samples[name])
    for metric in ("acc,none", "acc_norm,none"):
        assert results[name][metric] == their_results[name][metric]
    for sample, their_sample in zip(samples[name], their_samples[name], strict=True):
        assert (sample["acc"], sample["acc_norm"]) == (their_sample["acc"], their_sample["acc_norm"])


def test_choices_without_a_start(folder: Path, score: Callable[..., Any]) -> None:
    expected = score(theirs(folder), list(CHOICES))
    spread = np.std([*chain(*nats(expected[0]["hellaswag"]))])
    assert spread > 10  # the answers differ much more than the computations may
    for lm in ours(folder, "none").values():
        found = score(lm, list(CHOICES))
        for name in CHOICES:
            alike(name, found, expected)
        assert len(lm.truncated) > 5  # some contexts were cut on both sides
        assert not lm.uneven


def test_choices_after_the_end_of_text_token(folder: Path, score: Callable[..., Any]) -> None:
    names = ["piqa", "boolq", "winogrande"]
    expected = score(theirs(folder, add_bos_token=True), names)
    bare = score(theirs(folder), ["piqa"])
    assert nats(bare[0]["piqa"]) != nats(expected[0]["piqa"])
    for lm in ours(folder, "eot").values():
        found = score(lm, names)
        for name in names:
            alike(name, found, expected)


def test_tokens_over_the_border_of_context_and_continuation(folder: Path, score: Callable[..., Any]) -> None:
    """A question mark and the line break after it are one token here, and the break belongs to the continuation: such
    pairs are named, and scored as lm-eval does."""
    expected, _ = score(theirs(folder), ["merged"])
    for lm in ours(folder, "none").values():
        found, _ = score(lm, ["merged"])
        pairs = [tuple(pair) for sample in found["merged"] for pair in sample["arguments"]]
        assert 5 < sum(pair in lm.uneven for pair in pairs) < len(pairs) - 5
        mine, other = (np.array([*chain(*nats(samples["merged"]))]) for samples in (found, expected))
        np.testing.assert_allclose(mine, other, rtol=0, atol=NEAR)


def test_passages(folder: Path, rows: Any, score: Callable[..., Any]) -> None:
    expected, their_results = score(theirs(folder), ["passages"])
    for lm in ours(folder, "eot").values():
        found, results = score(lm, ["passages"])
        np.testing.assert_allclose(nats(found["passages"]), nats(expected["passages"]), rtol=0, atol=NEAR)
        bits = results["passages"]["bits_per_byte,none"]
        assert bits == pytest.approx(their_results["passages"]["bits_per_byte,none"], abs=1e-5)
    tokens = [len(lm.model.tokenizer.encode(row["text"])) for row in rows["passages"]]
    assert sum(count > CONFIG.sequence for count in tokens) > 5  # these fall into windows


def test_texts(folder: Path, score: Callable[..., Any]) -> None:
    expected, _ = score(theirs(folder, add_bos_token=True), ["written"])
    texts = [sample["filtered_resps"][0].rstrip("\ufffd") for sample in expected["written"]]
    assert len(set(texts)) > LIMIT / 2
    for lm in ours(folder, "eot").values():
        found, _ = score(lm, ["written"])
        assert [sample["filtered_resps"][0] for sample in found["written"]] == texts
