"""Every form of item, asked of a toy model whose answers are known."""

from __future__ import annotations

import filecmp
import hashlib
import math
import zlib

import pytest

from leaven.evaluate.item import Choice, Foreign, Match, Passage, Program, Short, Target, Task, write_items
from leaven.evaluate.model import Answer
from leaven.evaluate.record import Aggregate
from leaven.evaluate.requests import RequestCache
from leaven.evaluate.run import evaluate
from leaven.evaluate.taskfile import OUTPUT, task_file
from leaven.ground.errors import LeavenError
from leaven.ground.files import read_json, write_json, write_text
from leaven.ground.tables import read_table
from leaven.sandbox.level import none, probe

FILES = ("items.parquet", "details.parquet", "scores.json")
RULE = {"until": ["\n", ".", ","], "exact_match": {"ignore_case": True, "ignore_punctuation": True}}


class Letters:
    """Token = byte; 0 ends a text."""

    eot, size = 0, 256

    def encode(self, text):
        return list(text.encode())

    def decode(self, ids):
        return bytes(ids).decode(errors="replace")

    def count_bytes(self, ids):
        return len(ids)


class Toy:
    """Costs a byte by its value and the one before it; writes what `says` says.

    Args:
        dies_at: the call (of answer or generate) that is interrupted.
    """

    tokenizer, longest, start, empty = Letters(), 64, (0,), 0

    def __init__(self, says=lambda ask: "", cost=None, dies_at=None, identity="toy"):
        self.says, self.identity, self.dies_at, self.calls = says, identity, dies_at, 0
        self.cost = cost or (lambda token, before: 1 + zlib.crc32(bytes([token, before])) % 100 / 20)

    def _call(self):
        if self.calls == self.dies_at:
            raise KeyboardInterrupt
        self.calls += 1

    def answer(self, groups, progress, keep=None):
        self._call()
        found = [[self._answer(question) for question in group] for group in groups]
        if keep:
            keep(range(len(groups)), found)
        return found

    def _answer(self, question):
        row = [*question.tokens[1:], question.targets[-1]][-len(question.targets) :]
        assert tuple(row) == question.targets or len(question.tokens) == len(question.targets)
        before = question.tokens[-len(question.targets) :]
        costs = [self.cost(token, last) for token, last in zip(question.targets, before, strict=True)]
        return Answer(-math.fsum(costs), all(cost < 2 for cost in costs))

    def generate(self, asks, progress, keep=None):
        self._call()
        texts = []
        for ask in asks:
            text = self.says(ask)
            for stop in ask.stops:
                text = text.partition(stop)[0]
            texts.append(text)
        if keep:
            keep(range(len(asks)), texts)
        return texts


TASKS = (
    Task(
        "ranked", "reasoning", "choice", "accuracy", 0.5, "two choices",
        tuple(Choice(str(n), f"g{n // 2}", f"Item {n}:", ("yes", "no it is not"), n % 2, " ") for n in range(8)),
        settings={"labels": ["yes", "no it is not"]},
        origin={"data": {"cut": "8 of 80"}, "notes": ["cut"]},
    ),
    Task(
        "matched", "reasoning", "match", "accuracy", 0.5, "two contexts",
        tuple(Match(str(n), str(n), (f"Ann {n} so Ann", f"Ann {n} so Bea"), "ran.", n % 2, " ") for n in range(4)),
    ),
    Task(
        "last_word", "language", "target", "accuracy", 0.0, "a last word",
        (Target("0", "0", "A long " + "way " * 30 + "to", "go", " "), Target("1", "1", "short", "ünü", " ")),
    ),
    Task(
        "trivia", "knowledge", "short", "exact_match", 0.0, "questions",
        (
            Short("0", "0", "Q: capital?\nA:", ("Washington, D.C.", "D.C.")),
            Short("1", "1", "Q: band?\nA:", ("The Beatles",)),
            Short("2", "2", "Q: nothing?\nA:", ("!", "x")),
        ),
        settings={"until": ["\n"], "tokens": 9, "lm_eval": RULE},
    ),
    Task(
        "code", "code", "program", "pass@1", 0.0, "programs",
        (
            Program("0", "0", "def one():\n", "assert one() == 1\n", "    return 1\n"),
            Program("1", "1", "def two():\n", "assert two() == 2\n", ""),
        ),
        needs=("isolation",),
        settings={"until": ["\ndef"], "tokens": 9, "samples": 4, "temperature": 0.8, "top_p": 0.95, "k": [1, 2]},
    ),
    Task("text", "language", "rolling", "bits_per_byte", None, "text", (Passage("0", "0", "Ein schöner Text."),)),
)  # fmt: skip


def says(ask):
    if ask.prompt.startswith("def"):
        return "    return 1\ndef other():\n    pass" if ask.key % 2 else "    return 2\n"
    return " Washington, D.C.\nQ: more" if "capital" in ask.prompt else " the beatles!" if "band" in ask.prompt else ""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return frozen(tmp_path_factory.mktemp("suite"), TASKS)


def frozen(out, tasks):
    (out / "items").mkdir()
    (out / "tasks").mkdir()
    for task in tasks:
        write_items(out / "items" / f"{task.name}.jsonl", task.items)
        if task.form in OUTPUT:
            write_text(out / "tasks" / f"{task.name}.yaml", task_file(task.name, task.form, task.items, task.settings))
    write_json(out / "suite.json", {"tasks": {task.name: task.describe() for task in tasks}, "left_out": {}})
    return out


@pytest.fixture(scope="module")
def level():
    found = probe()
    if found.name == "none":
        pytest.skip(f"no isolation here: {found.reason}")
    return found


@pytest.fixture(scope="module")
def done(folder, level, tmp_path_factory):
    out = tmp_path_factory.mktemp("done")
    evaluate(Toy(says), folder, out, isolation_level=level)
    return out


@pytest.fixture(scope="module")
def rows(done):
    table = read_table(done / "details.parquet")
    found = [dict(zip(table, cells, strict=True)) for cells in zip(*table.values(), strict=True)]
    return {(row["task"], row["item"]): row for row in found}


@pytest.fixture(scope="module")
def values(done):
    table = read_table(done / "items.parquet")
    return dict(zip(zip(table["task"], table["item"], table["measure"], strict=True), table["value"], strict=True))


def scored(context, continuation):
    """What is scored of a pair: white space at the context's end belongs to it (lm-eval's rule)."""
    return (context + continuation)[len(context.rstrip()) :].encode()


def nats_of(context, continuation):
    tokens = [0, *(context + continuation).encode()]
    size = len(scored(context, continuation))
    return -math.fsum(Toy().cost(token, last) for token, last in list(zip(tokens[1:], tokens, strict=False))[-size:])


def test_likelihoods_are_those_of_the_pairs(rows):
    for task in TASKS:
        for item in task.items:
            if not isinstance(item, Passage):
                row = rows[task.name, item.id]
                assert row["nats"] == pytest.approx([nats_of(*pair) for pair in item.pairs])
                assert row["bytes"] == row["tokens"] == [len(scored(*pair)) for pair in item.pairs]
    assert rows["text", "0"]["nats"] == pytest.approx([nats_of("", "Ein schöner Text.")])


def test_characters_leave_the_delimiter_out(rows):
    assert rows["ranked", "0"]["characters"] == [3, 12]
    assert rows["matched", "0"]["characters"] == [4, 4]
    assert rows["last_word", "1"]["characters"] == [3]
    assert rows["trivia", "1"]["characters"] == [11]
    assert rows["code", "0"]["characters"] == [len("    return 1\n")]


def test_prompts_are_hashed_to_the_byte(rows):
    def sha(text):
        return hashlib.sha256(text.encode()).hexdigest()

    assert rows["ranked", "3"]["prompts"] == [sha("Item 3:")]
    assert rows["matched", "1"]["prompts"] == [sha("Ann 1 so Ann"), sha("Ann 1 so Bea")]
    assert rows["trivia", "1"]["prompts"] == [sha("Q: band?\nA:")]
    assert rows["code", "0"]["prompts"] == [sha("def one():\n")]


def test_long_contexts_are_cut_and_counted(done, rows):
    assert rows["last_word", "0"]["truncated"]
    assert not rows["last_word", "1"]["truncated"]
    assert read_json(done / "scores.json")["last_word"]["truncated"] == 1


def test_short_answers_by_both_rules(done, rows, values):
    assert [rows["trivia", item]["texts"] for item in "012"] == [[" Washington, D.C."], [" the beatles!"], [""]]
    assert [values["trivia", item, "exact_match"] for item in "012"] == [1, 1, 0]
    assert [values["trivia", item, "exact_match_lm_eval"] for item in "012"] == [0, 1, 1]  # "!" is nothing, as is ""
    scores = read_json(done / "scores.json")["trivia"]
    assert scores["score"] == {"measure": "exact_match", **scores["exact_match"]}
    assert scores["degenerate"] == pytest.approx(1 / 3)


def test_samples_of_programs(done, rows, values):
    for item, wanted in (("0", "    return 1"), ("1", "    return 2\n")):
        row = rows["code", item]
        assert len(row["texts"]) == len(row["outcomes"]) == 4
        assert [outcome == "passed" for outcome in row["outcomes"]] == [text == wanted for text in row["texts"]]
        passes = sum(outcome == "passed" for outcome in row["outcomes"])
        assert values["code", item, "passed"] == passes / 4
        assert values["code", item, "pass@2"] == pytest.approx(1 - math.comb(4 - passes, 2) / 6)
    assert "gold_bpb" in {measure for task, item, measure in values if (task, item) == ("code", "0")}
    assert rows["code", "1"]["nats"] == []  # no solution is known
    assert read_json(done / "scores.json")["code"]["gold_bpb"]["n"] == 1


def test_lm_evals_own_values_stand_beside_ours(values):
    for n in range(8):
        assert values["ranked", str(n), "lm_eval/acc"] == values["ranked", str(n), "acc_lm_eval"]
        assert values["ranked", str(n), "lm_eval/acc_norm"] == values["ranked", str(n), "acc_norm"]
    assert values["last_word", "1", "lm_eval/acc"] == values["last_word", "1", "correct"]


def test_scores_say_what_a_reader_must_know(done):
    scores = read_json(done / "scores.json")
    assert (scores["ranked"]["cut"], scores["ranked"]["notes"]) == ("8 of 80", ["cut"])
    assert scores["ranked"]["clusters"] == 4
    assert set(scores["ranked"]["predicted"]) <= {"yes", "no it is not"}
    assert scores["ranked"]["decontamination"]["searched"] is False
    assert scores["last_word"]["perplexity"]["value"] > 1


def test_an_interrupted_evaluation_goes_on(folder, level, done, tmp_path):
    whole = Toy(says)
    evaluate(whole, folder, fresh(tmp_path / "whole"), isolation_level=level)
    for call in range(whole.calls):
        out = fresh(tmp_path / f"out{call}")
        kept = tmp_path / f"cache{call}"
        with RequestCache(kept, "toy") as cache, pytest.raises(KeyboardInterrupt):
            evaluate(Toy(says, dies_at=call), folder, out, isolation_level=level, cache=cache)
        assert list(out.iterdir()) == []
        again = Toy(says)
        with RequestCache(kept, "toy") as cache:
            evaluate(again, folder, out, isolation_level=level, cache=cache)
        assert again.calls == whole.calls - call
        assert filecmp.cmpfiles(done, out, FILES, shallow=False) == (list(FILES), [], [])


def fresh(path):
    path.mkdir()
    return path


@pytest.mark.parametrize("wrong", [math.nan, math.inf])
def test_a_diverged_model_is_named_and_nothing_is_written(folder, tmp_path, wrong):
    model = Toy(says, cost=lambda token, before: wrong, identity="abc123")
    with pytest.raises(LeavenError, match=r"diverged: 2 of 2 .* of last_word are not numbers \(model abc123\)"):
        evaluate(model, folder, tmp_path, isolation_level=none())
    assert list(tmp_path.iterdir()) == []


def test_a_model_without_opinions_fails_everything(folder, tmp_path):
    flat = Toy(lambda ask: "", cost=lambda token, before: 1.0)
    evaluate(flat, folder, tmp_path, isolation_level=none("not here"))
    scores = read_json(tmp_path / "scores.json")
    assert scores["matched"]["accuracy"]["value"] == 0
    assert scores["matched"]["degenerate"] == 1
    assert scores["matched"]["acc_lm_eval"]["value"] == 0.5
    assert scores["ranked"]["always"] == {"answer": "yes", "share": 1.0}  # the shorter one
    assert scores["trivia"]["exact_match"]["value"] == 0
    assert scores["trivia"]["degenerate"] == 1
    assert "isolates" in scores["code"]["left_out"]


def test_a_task_file_that_asks_something_else_is_a_defect(tmp_path):
    folder = frozen(fresh(tmp_path / "suite"), TASKS[:1])
    path = folder / "tasks" / "ranked.yaml"
    path.write_text(path.read_text().replace("target_delimiter: ' '", "target_delimiter: ''"))
    with pytest.raises(AssertionError, match="asks another text than its items hold"):
        evaluate(Toy(), folder, fresh(tmp_path / "out"), isolation_level=none())


def test_a_task_without_items_is_left_out(tmp_path):
    task = Task("none", "language", "rolling", "bits_per_byte", None, "nothing", ())
    folder = frozen(fresh(tmp_path / "suite"), (task, TASKS[-1]))
    out = fresh(tmp_path / "out")
    evaluate(Toy(), folder, out, isolation_level=none())
    assert read_json(out / "scores.json")["none"]["left_out"] == "the suite holds no item of it"


def test_a_foreign_task_keeps_lm_evals_values(tmp_path, monkeypatch):
    from leaven.evaluate.benchmarks import foreign

    items = (Foreign("a", "a", {"x": 1}), Foreign("b", "b", {"x": 2}))
    task = Task("theirs", "reasoning", "foreign", "accuracy", None, "theirs", items)
    folder = frozen(fresh(tmp_path / "suite"), (task,))
    samples = [
        foreign.Sample("a", {"acc": 1.0, "f1": (1, 0)}, ("yes",), (-1.0,)),
        foreign.Sample("b", {"acc": 0.0, "f1": (0, 0)}, ("no",), (-2.0,)),
    ]
    whole = [Aggregate("acc", 0.5, 2, True), Aggregate("f1", 0.25, 2, False), Aggregate("mcc", None, 2, False, "why")]
    monkeypatch.setattr(foreign, "run_foreign", lambda lm, suite, name, space: (samples, whole))
    out = fresh(tmp_path / "out")
    evaluate(Toy(), folder, out, isolation_level=none())
    scores = read_json(out / "scores.json")["theirs"]
    assert scores["score"]["value"] == scores["lm_eval/acc"]["value"] == 0.5
    assert scores["lm_eval/acc"]["se"] == scores["accuracy"]["se"] == 0.5
    assert scores["lm_eval/f1"] == {"value": 0.25, "n": 2, "se": None}
    assert scores["notes"] == [
        "of the task as a whole only, not of its items: f1",
        "lm-eval gives no mcc: why",
    ]
    assert read_table(out / "details.parquet")["texts"] == [["yes"], ["no"]]
    assert read_table(out / "details.parquet")["nats"] == [[-1.0], [-2.0]]
