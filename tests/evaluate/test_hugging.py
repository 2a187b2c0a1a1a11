"""Models of Hugging Face behind the protocol: small random ones of three families, held against plain forward passes
and against what `transformers` writes by itself.
"""

from __future__ import annotations

import json
import re
import shutil
import socket
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from leaven.evaluate.adapter import Adapter
from leaven.evaluate.complete import PARAGRAPH, VERSION, Rules, complete
from leaven.evaluate.item import read_lines, write_lines
from leaven.evaluate.model import Ask, Question
from leaven.evaluate.stops import cut as cut_at
from leaven.ground.canonical import key64
from leaven.ground.errors import BadInput, LeavenError
from leaven.ground.progress import silent

pytestmark = pytest.mark.peer

torch = pytest.importorskip("torch", reason="the peer environment holds torch: make test-peers")
transformers = pytest.importorskip("transformers", reason="the peer environment holds transformers: make test-peers")

from leaven.evaluate import hugging, hugging_folder  # noqa: E402 (after the skip)
from leaven.evaluate.hugging import Hugging  # noqa: E402
from leaven.evaluate.hugging_draw import draw  # noqa: E402
from leaven.evaluate.hugging_generate import cache_bytes, position_bytes  # noqa: E402

VOCAB = 320
END, BEGIN = "<|endoftext|>", "<s>"
TEXTS = (
    "The quick brown fox jumps over the lazy dog, and the dog does not mind at all. ",
    "def area(width, height):\n    return width * height\n\n",
    "Naïve café — “quoted”, 北京, \t🙂 and\n\n  three spaces   in   a   row.",
)
SHAPE = {"vocab_size": VOCAB, "bos_token_id": 1, "eos_token_id": 0, "initializer_range": 0.2}
LAYERS = {"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 4}
FAMILIES: dict[str, Callable[[], Any]] = {
    "cohere": lambda: transformers.CohereForCausalLM(
        transformers.CohereConfig(**SHAPE, **LAYERS, num_key_value_heads=2, max_position_embeddings=64)
    ),
    "llama": lambda: transformers.LlamaForCausalLM(
        transformers.LlamaConfig(**SHAPE, **LAYERS, num_key_value_heads=2, max_position_embeddings=64)
    ),
    "gpt2": lambda: transformers.GPT2LMHeadModel(
        transformers.GPT2Config(**SHAPE, n_embd=32, n_layer=2, n_head=4, n_positions=64)
    ),
}


def byte_level(begins: bool = True) -> Any:
    """A byte-level BPE that puts `<s>` in front, or nothing."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers

    words = Tokenizer(models.BPE())
    words.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    words.decoder = decoders.ByteLevel()
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    trainer = trainers.BpeTrainer(
        vocab_size=300, special_tokens=[END, BEGIN], initial_alphabet=alphabet, show_progress=False
    )
    words.train_from_iterator([text * 3 for text in TEXTS], trainer)
    if begins:
        words.post_processor = processors.TemplateProcessing(single=f"{BEGIN} $A", special_tokens=[(BEGIN, 1)])
    return transformers.PreTrainedTokenizerFast(tokenizer_object=words, bos_token=BEGIN, eos_token=END)


def with_fall_back() -> Any:
    """A tokenizer in the manner of sentencepiece: "▁" for a space, one put in front, bytes for what is unknown."""
    from tokenizers import Tokenizer, decoders, models, normalizers

    byte_tokens = {f"<0x{byte:02X}>": 3 + byte for byte in range(256)}
    letters = ["▁", *"Thequickbrownfxjmpsvlazydgt", "▁T", "he", "▁The"]
    vocabulary = {END: 0, BEGIN: 1, "<unk>": 2, **byte_tokens}
    for token in letters:
        vocabulary.setdefault(token, len(vocabulary))
    merges = [("▁", "T"), ("h", "e"), ("▁T", "he")]
    words = Tokenizer(models.BPE(vocabulary, merges, unk_token="<unk>", byte_fallback=True, fuse_unk=True))
    words.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    words.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=words, bos_token=BEGIN, eos_token=END, unk_token="<unk>"
    )


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Threads that wait for each other cost more than these models' sums."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*words: Any) -> None:
        raise AssertionError("the network was asked")

    monkeypatch.setattr(socket.socket, "connect", refuse)


def readable(network: Any, words: Any) -> Any:
    """The network with a logit of 0 for every token that is no printable text, so that others are likelier."""
    texts = [words.decode([token]) for token in range(len(words))]
    with torch.no_grad():
        rows = network.get_output_embeddings().weight
        for token in range(VOCAB):
            if token < 2 or token >= len(words) or not (texts[token].isascii() and texts[token].isprintable()):
                rows[token] = 0
    return network


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """One folder a family."""
    made = {}
    for name, family in FAMILIES.items():
        torch.manual_seed(1)
        made[name] = tmp_path_factory.mktemp(name)
        readable(family(), byte_level()).save_pretrained(made[name])
        byte_level().save_pretrained(made[name])
    return made


@pytest.fixture(scope="module", params=list(FAMILIES))
def model(request: pytest.FixtureRequest, folders: dict[str, Path]) -> Hugging:
    return Hugging.load(folders[request.param], device="cpu")


@pytest.fixture
def folder(folders: dict[str, Path], tmp_path: Path) -> Path:
    """A copy that a test may spoil."""
    return Path(shutil.copytree(folders["llama"], tmp_path / "model"))


def plain(model: Hugging, question: Question) -> tuple[float, bool]:
    """One question, one forward pass without padding."""
    with torch.no_grad():
        scores = model.network(torch.tensor([question.tokens])).logits[0, -len(question.targets) :].log_softmax(-1)
    picked = scores[range(len(question.targets)), list(question.targets)]
    return float(picked.sum()), bool((picked >= scores.amax(-1)).all())


def groups_of(model: Hugging, draws: np.random.Generator, n: int = 40) -> list[list[Question]]:
    """Groups that hold what occurs: shared contexts, one-token answers, prefixes of each other, whole windows."""
    groups = []
    for _ in range(n):
        context = draws.integers(2, VOCAB, draws.integers(1, 40)).tolist()
        group = []
        for _ in range(draws.integers(1, 5)):
            targets = draws.integers(2, VOCAB, draws.integers(1, 8)).tolist()
            group.append(Question(tuple(context + targets[:-1]), tuple(targets)))
            group.append(Question(tuple(context), (targets[0],)))
        groups.append(group)
    whole = draws.integers(2, VOCAB, model.longest).tolist()
    return [*groups, [], [Question(tuple(whole), (*whole[1:], 5))]]


def test_answers_are_those_of_plain_forward_passes(model: Hugging) -> None:
    groups = groups_of(model, np.random.default_rng(0))
    kept: dict[int, Any] = {}
    seen: list[float] = []

    def keep(places: Any, answers: Any) -> None:
        for place, found in zip(places, answers, strict=True):
            assert kept.setdefault(place, found) is found

    answers = model.answer(groups, lambda done, total, note: seen.append(done / total), keep)
    assert [len(found) for found in answers] == [len(group) for group in groups]
    for group, found in zip(groups, answers, strict=True):
        for question, answer in zip(group, found, strict=True):
            nats, greedy = plain(model, question)
            assert answer.nats == pytest.approx(nats, abs=1e-4)
            assert answer.greedy == greedy
    assert kept == {place: found for place, found in enumerate(answers) if groups[place]}
    assert seen == sorted(seen)
    assert seen[-1] == 1


def test_a_likeliest_target_is_called_greedy(model: Hugging) -> None:
    tokens = (5, 9, 11)
    with torch.no_grad():
        best = int(model.network(torch.tensor([tokens])).logits[0, -1].argmax())
    [[yes, no]] = model.answer([[Question(tokens, (best,)), Question(tokens, ((best + 1) % VOCAB,))]], silent)
    assert (yes.greedy, no.greedy) == (True, False)


def test_answers_depend_on_their_group_alone(model: Hugging) -> None:
    groups = groups_of(model, np.random.default_rng(1), 12)
    together = model.answer(groups, silent)
    for group, found in zip(groups, together, strict=True):
        [alone] = model.answer([group], silent)
        np.testing.assert_allclose([a.nats for a in alone], [a.nats for a in found], atol=1e-4)


def test_the_output_layer_is_computed_only_where_somebody_asks(model: Hugging) -> None:
    assert model._scorer.picks
    sizes = []
    head = model.network.get_output_embeddings()
    hook = head.register_forward_hook(lambda head, given, out: sizes.append(tuple(out.shape[:2])))
    with hook:
        model.answer([[Question((1, 2, 3, 4), (7,)), Question((1, 2, 3, 4), (8,)), Question((1, 2), (2, 9))]], silent)
    assert sizes == [(1, 3)]


@pytest.mark.parametrize(
    "question", [Question((1,) * 65, (1,)), Question((1, 2), ()), Question((1,), (1, 2))], ids=["long", "none", "more"]
)
def test_questions_that_cannot_be_asked(model: Hugging, question: Question) -> None:
    with pytest.raises(ValueError, match="a question must have at most 64 tokens"):
        model.answer([[question]], silent)


def test_a_token_that_the_model_does_not_have(model: Hugging) -> None:
    with pytest.raises(BadInput, match="a token that the model of 320 tokens does not have"):
        model.answer([[Question((1, 2), (VOCAB,))]], silent)


def theirs(model: Hugging, prompt: str, new: int) -> list[int]:
    """The greedy continuation by transformers' own loop, one prompt at a time."""
    ids = torch.tensor([[*model.start, *model.tokenizer.encode(prompt)]])
    found = model.network.generate(
        ids,
        attention_mask=torch.ones_like(ids),
        generation_config=transformers.GenerationConfig(max_new_tokens=new, do_sample=False, eos_token_id=0),
    )
    tokens: list[int] = found[0, ids.shape[1] :].tolist()
    return tokens[: tokens.index(0)] if 0 in tokens else tokens


PROMPTS = ("The", "def area(", "The quick brown fox jumps over", "Naïve café", "a b c d e f g h")


def test_greedy_continuations_are_transformers_own(model: Hugging) -> None:
    kept: dict[int, str] = {}
    texts = model.generate(
        [Ask(prompt, 24) for prompt in PROMPTS],
        silent,
        lambda places, found: kept.update(zip(places, found, strict=True)),
    )
    assert texts == [model.tokenizer.decode(theirs(model, prompt, 24)) for prompt in PROMPTS]
    assert kept == dict(enumerate(texts))
    assert len(set(texts)) > 1
    assert model.generate([Ask("The", 24), Ask("The", 3)], silent)[1] == model.tokenizer.decode(theirs(model, "The", 3))


def test_a_continuation_is_cut_before_its_first_stop_and_not_continued_after_it(model: Hugging) -> None:
    free = model.generate([Ask("The quick", 40)], silent)[0]
    assert len(free) > 20
    stop, other = free[9:12], free[4:5]  # in several tokens or inside one
    calls: list[int] = []
    with model.network.get_output_embeddings().register_forward_hook(lambda *parts: calls.append(1)):
        texts = model.generate([Ask("The quick", 40, ("never there", stop))], silent)
    assert texts == [free.partition(stop)[0]]
    assert len(calls) < 20
    assert model.generate([Ask("The quick", 40, (stop, other))], silent) == [free[: free.index(other)]]


def test_a_pattern_stops_every_continuation_and_a_limit_is_told(model: Hugging) -> None:
    asks = [Ask(prompt, 40) for prompt in PROMPTS]
    free = model.generate(asks, silent)
    limits: list[int] = []
    assert model.generate(asks, silent, limited=limits.extend) == free
    ended = [len(theirs(model, prompt, 41)) < 41 for prompt in PROMPTS]
    assert sorted(limits) == [place for place, over in enumerate(ended) if not over]
    stop = re.compile(f"(?<=\\S){re.escape(free[1][9])}")
    stopped: list[int] = []
    calls: list[int] = []
    with model.network.get_output_embeddings().register_forward_hook(lambda *parts: calls.append(1)):
        [text] = model.generate(asks[1:2], silent, stop=stop, limited=stopped.extend)
    assert text == cut_at(free[1], (), stop)
    assert text != free[1]
    assert stopped == []
    assert len(calls) <= 24  # it is looked for every few tokens
    texts = model.generate(asks, silent, stop=stop, limited=stopped.extend)
    assert texts == [cut_at(found, (), stop) for found in free]
    assert sorted(stopped) == [place for place in sorted(limits) if texts[place] == free[place]]


def test_completions_by_the_rules_of_every_arm(model: Hugging, tmp_path: Path) -> None:
    write_lines(tmp_path / "prompts.jsonl", [{"id": str(n), "text": text} for n, text in enumerate(PROMPTS)])
    rules = Rules(tokens=20, temperature=1.2, top_p=0.9, stop=("e",), seed=3)
    complete(model, tmp_path / "prompts.jsonl", tmp_path, rules)
    found = (tmp_path / "completions.jsonl").read_bytes()
    rows = read_lines(tmp_path / "completions.jsonl")
    keys = [key64(VERSION, str(n), 3) for n in range(len(PROMPTS))]
    asks = [Ask(text, 20, (), 1.2, 0.9, key) for text, key in zip(PROMPTS, keys, strict=True)]
    limits: list[int] = []
    free = model.generate(asks, silent, limited=limits.extend)
    assert [row["completion"] for row in rows] == [cut_at(text, ("e",), PARAGRAPH) for text in free]
    whole = [row["completion"] == text for row, text in zip(rows, free, strict=True)]
    assert [row["cut"] for row in rows] == [same and place in limits for place, same in enumerate(whole)]
    complete(model, tmp_path / "prompts.jsonl", tmp_path, rules)
    assert (tmp_path / "completions.jsonl").read_bytes() == found


def test_prompts_of_tokens_and_ends_besides_the_models_own(model: Hugging) -> None:
    prompt = [*model.start, *model.tokenizer.encode("The quick")]
    written = theirs(model, "The quick", 30)
    end = next(token for place, token in enumerate(written) if place > 2 and token not in written[:place])
    [text] = model.generate_after([prompt], [Ask("", 30)], silent, ends=frozenset([end]))
    assert text == model.tokenizer.decode(written[: written.index(end)])
    with pytest.raises(BadInput, match="a token that the model of 320 tokens does not have"):
        model.generate_after([[1, VOCAB]], [Ask("", 3)], silent)


def test_a_prompt_is_cut_from_the_left(model: Hugging) -> None:
    long = "The quick brown fox jumps over the lazy dog, and the dog does not mind at all. " * 8
    assert len(model.tokenizer.encode(long)) > 64
    tokens = model.tokenizer.encode(long)[-54:]
    ids = torch.tensor([tokens])
    found = model.network.generate(
        ids, attention_mask=torch.ones_like(ids), generation_config=transformers.GenerationConfig(max_new_tokens=10)
    )
    assert model.generate([Ask(long, 10)], silent) == [model.tokenizer.decode(found[0, 54:].tolist())]
    # where more is asked for than fits, half of the input is the prompt's
    ids = torch.tensor([model.tokenizer.encode(long)[-32:]])
    found = model.network.generate(
        ids, attention_mask=torch.ones_like(ids), generation_config=transformers.GenerationConfig(max_new_tokens=32)
    )
    assert model.generate([Ask(long, 1000)], silent) == [model.tokenizer.decode(found[0, 32:].tolist())]


def test_draws_depend_on_the_ask_alone(model: Hugging) -> None:
    asks = [Ask(prompt, 12, temperature=0.8, top_p=0.9, key=n) for n, prompt in enumerate([*PROMPTS, "The"])]
    together = model.generate([*asks, Ask("greedy", 12)], silent)
    assert together[:-1] == [model.generate([ask], silent)[0] for ask in asks]
    assert together[-1] == model.generate([Ask("greedy", 12)], silent)[0]
    assert together[0] != together[5]  # one prompt, two keys
    assert model.generate([replace(asks[0], key=99)], silent)[0] != together[0]


def test_a_temperature_near_zero_is_greedy(model: Hugging) -> None:
    assert model.generate([Ask("The", 12, temperature=1e-4, key=3)], silent) == model.generate([Ask("The", 12)], silent)


def test_tokens_are_drawn_as_often_as_they_are_likely() -> None:
    p = torch.tensor([0.1, 0.4, 0.2, 0.3])
    at = np.random.default_rng(0).random(4000).tolist()

    def shares(temperature: float, top: float) -> Any:
        found = draw(p.log().expand(4000, 4), [temperature] * 4000, [top] * 4000, at)
        return np.bincount(found.numpy(), minlength=4) / 4000

    np.testing.assert_allclose(shares(1.0, 1.0), p.numpy(), atol=0.03)
    np.testing.assert_allclose(shares(1.0, 0.65), [0, 4 / 7, 0, 3 / 7], atol=0.03)
    np.testing.assert_allclose(shares(0.5, 1.0), p.numpy() ** 2 / (p.numpy() ** 2).sum(), atol=0.03)
    for top in (1e-9, 0.0):
        assert draw(p.log()[None], [1.0], [top], [0.999]).tolist() == [1]


def drawn(scores: Any, temperature: float, top: float, at: float) -> int:
    """One row in float64, by the definition: the tokens before it have together less than `top`."""
    p = np.exp((scores - scores.max()) / temperature)
    p /= p.sum()
    order = np.argsort(-p, kind="stable") if top < 1 else np.arange(len(p))
    sums = p[order].cumsum()
    kept = np.flatnonzero(sums - p[order] < top) if top < 1 else np.arange(len(p))
    return int(order[np.searchsorted(sums[kept], at * sums[kept][-1], side="right")])


def test_each_row_of_a_batch_is_drawn_by_its_own_settings() -> None:
    rng = np.random.default_rng(2)
    for size in (5, 300, 20000):
        scores = rng.normal(0, 3, (24, size)).astype(np.float32)
        temperatures = rng.choice([0.3, 0.8, 1.0, 2.0], 24).tolist()
        tops = rng.choice([0.1, 0.5, 0.95, 1.0], 24).tolist()
        at = rng.random(24).tolist()
        found = draw(torch.tensor(scores), temperatures, tops, at).tolist()
        rows = zip(scores.astype(np.float64), temperatures, tops, at, strict=True)
        assert found == [drawn(*row) for row in rows]


def test_a_nucleus_is_the_one_of_the_native_models() -> None:
    from leaven.model.draw import nucleus

    scores = np.random.default_rng(3).normal(0, 2, (1, 40)).astype(np.float32)
    scores[0, 7:11] = scores[0].max() + 1  # equals, between which the nucleus ends
    for top in (0.2, 0.5, 0.9):
        at = ((np.arange(4000) + 0.5) / 4000).tolist()
        found = draw(torch.tensor(scores).expand(4000, 40), [1.0] * 4000, [top] * 4000, at)
        allowed = np.flatnonzero(np.asarray(nucleus(scores, np.array([top], np.float32)))[0])
        assert set(found.tolist()) == set(allowed.tolist())


def test_the_ends_of_a_distribution_are_never_tokens_without_probability() -> None:
    scores = torch.from_numpy(np.random.default_rng(4).normal(0, 2, (200, 9)).astype(np.float32))
    scores[:, [0, 8]] = -float("inf")
    for top in (1.0, 1 - 1e-12):
        for at in (0.0, 1 - 2**-53):
            assert not {0, 8} & set(draw(scores, [1.0] * 200, [top] * 200, [at] * 200).tolist())


def test_rows_that_have_ended_are_not_drawn(model: Hugging, monkeypatch: pytest.MonkeyPatch) -> None:
    rows: list[int] = []

    def counted(scores: Any, *settings: Any) -> Any:
        rows.append(len(scores))
        return draw(scores, *settings)

    monkeypatch.setattr("leaven.evaluate.hugging_draw.draw", counted)
    model.generate([Ask("The", tokens, temperature=1e-4) for tokens in (2, 5)] + [Ask("The", 7)], silent)
    assert len(rows) <= 5
    assert rows[:2] == [2, 2]
    assert set(rows[2:]) <= {1}


def size_of(named: dict[str, Any]) -> tuple[int, int]:
    """(rows, positions) of a forward pass, those in its cache included."""
    rows, length = named["input_ids"].shape
    past = named.get("past_key_values")
    return rows, length + (past.get_seq_length() if past is not None else 0)


def sizes_of_passes(model: Hugging) -> tuple[list[tuple[int, int]], Any]:
    """The size of each forward pass, filled while the hook is there."""
    sizes: list[tuple[int, int]] = []

    def see(network: Any, given: Any, named: dict[str, Any]) -> None:
        sizes.append(size_of(named))

    return sizes, model.network.register_forward_pre_hook(see, with_kwargs=True)


LONG = "The quick brown fox jumps over the lazy dog, and the dog does not mind at all. " * 8


def test_asks_of_different_sizes_share_batches_and_never_leave_the_model(model: Hugging) -> None:
    asks = [
        Ask("The", 32),
        Ask(LONG, 10),  # its row would go on beyond the last position while the first is written
        Ask("def area(", 3),
        Ask("", 0),
        Ask("The quick", 20, ("e",)),
        Ask("Naïve", 20, temperature=0.9, key=5),
        Ask(LONG, 1, temperature=0.9, key=6),
        Ask("The", 1),
        Ask("a b c", 1000, ("",)),  # an empty stop is none
    ]
    kept: dict[int, str] = {}
    sizes, hook = sizes_of_passes(model)
    with hook:
        texts = model.generate(asks, silent, lambda places, found: kept.update(zip(places, found, strict=True)))
    assert max(rows for rows, _ in sizes) > 2
    assert max(length for _, length in sizes) <= model.longest
    assert texts == [model.generate([ask], silent)[0] for ask in asks]
    assert kept == dict(enumerate(texts))
    assert texts[3] == ""
    for place in (0, 2, 7):
        own = theirs(model, asks[place].prompt, asks[place].tokens)
        assert texts[place] == model.tokenizer.decode(own)


def test_a_stop_that_began_further_in_front_is_waited_for(model: Hugging) -> None:
    free = model.generate([Ask("The quick", 30)], silent)[0]
    for place in range(len(free) - 12):
        stops = (free[place + 1 : place + 3], free[place : place + 10])
        assert model.generate([Ask("The quick", 30, stops)], silent) == [cut_at(free, stops)]


def asks_with_draws() -> list[Ask]:
    plain = [Ask(prompt, 10) for prompt in PROMPTS]
    return [*plain, *[replace(ask, temperature=0.8, top_p=0.9, key=n) for n, ask in enumerate(plain)]]


def test_batches_are_as_large_as_memory_allows(model: Hugging, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = model.generate(asks_with_draws(), silent)
    room = 100  # positions
    monkeypatch.setattr(hugging, "cache_bytes", lambda device: room * position_bytes(model.network, "cpu"))
    sizes, hook = sizes_of_passes(model)
    with hook:
        assert model.generate(asks_with_draws(), silent) == expected
    assert max(rows * length for rows, length in sizes) <= room
    assert max(rows for rows, _ in sizes) > 1
    monkeypatch.setattr(hugging, "cache_bytes", lambda device: 1)
    sizes, hook = sizes_of_passes(model)
    with hook:
        assert model.generate(asks_with_draws(), silent) == expected
    assert {rows for rows, _ in sizes} == {1}


def out_of_memory_above(model: Hugging, rows: int, length: int) -> Any:
    """A hook by which the device's memory ends in the middle of a continuation."""

    def refuse(network: Any, given: Any, named: dict[str, Any]) -> None:
        found = size_of(named)
        if found[0] > rows and found[1] > length:
            raise torch.OutOfMemoryError("no memory is left")

    return model.network.register_forward_pre_hook(refuse, with_kwargs=True)


def test_a_batch_that_memory_does_not_hold_is_made_smaller(model: Hugging) -> None:
    expected = model.generate(asks_with_draws(), silent)
    kept: dict[int, str] = {}
    with out_of_memory_above(model, rows=2, length=16):
        found = model.generate(
            asks_with_draws(), silent, lambda places, texts: kept.update(zip(places, texts, strict=True))
        )
    assert found == expected
    assert kept == dict(enumerate(expected))
    with (
        out_of_memory_above(model, rows=0, length=16),
        pytest.raises(LeavenError, match=r"one prompt of \d+ tokens and a continuation of 30: 'Naïve"),
    ):
        model.generate([Ask("The", 3), Ask("Naïve café, a b c d e f", 30)], silent)


def test_bytes_of_a_position(folders: dict[str, Path]) -> None:
    def of(network: Any) -> int:
        return position_bytes(network.eval(), "cpu")

    for name, heads in (("llama", 2), ("cohere", 2), ("gpt2", 4)):
        assert of(FAMILIES[name]()) == 2 * 2 * heads * 8 * 4
    assert of(FAMILIES["llama"]().to(torch.bfloat16)) == 2 * 2 * 2 * 8 * 2
    shape = {"vocab_size": VOCAB, "hidden_size": 32, "num_hidden_layers": 3, "num_attention_heads": 4}
    one_head = transformers.FalconForCausalLM(transformers.FalconConfig(**shape, multi_query=True))
    assert of(one_head) == 2 * 3 * 1 * 8 * 4
    # no keys at all: what as many layers of as many heads as fit would take
    state = transformers.MambaConfig(vocab_size=VOCAB, hidden_size=32, num_hidden_layers=3, state_size=4)
    assert of(transformers.MambaForCausalLM(state)) == 2 * 3 * 32 * 4


def test_the_memory_of_a_device(monkeypatch: pytest.MonkeyPatch) -> None:
    assert cache_bytes("cpu") == 1 << 30
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (100, 1000))
    monkeypatch.setattr(torch.cuda, "memory_reserved", lambda device: 80)
    monkeypatch.setattr(torch.cuda, "memory_allocated", lambda device: 60)
    assert cache_bytes("cuda:0") == 60


def test_the_tokenizer_and_its_bytes(folders: dict[str, Path]) -> None:
    model = Hugging.load(folders["gpt2"], device="cpu")
    words = model.tokenizer
    assert (words.eot, words.size, model.start, model.empty, model.longest) == (0, 300, (1,), 1, 64)
    for text in TEXTS:
        ids = words.encode(text)
        assert words.decode(ids) == text
        for cut in range(0, len(ids), 3):
            assert words.count_bytes(ids[:cut]) + words.count_bytes(ids[cut:]) == len(text.encode())
    assert words.count_bytes([0]) == len(END)


def test_bytes_of_a_tokenizer_with_a_fall_back_to_bytes(folder: Path) -> None:
    (folder / "tokenizer.json").unlink()
    with_fall_back().save_pretrained(folder)
    words = Hugging.load(folder, device="cpu").tokenizer
    text = "The quick brown fox 北 🙂"
    ids = words.encode(text)
    assert words.decode(ids) == text
    assert words.count_bytes(ids) == len(text.encode()) + 1  # the space put in front
    assert len(ids) > 20
    # the decoder takes the first space of a text away, but not that of a continuation
    head, tail = words.encode("The quick"), words.encode("The quick brown")
    assert words.decode(tail[len(head) :]) == "brown"
    assert words.continuation(head, tail[len(head) :]) == " brown"


def test_what_stands_in_front(folder: Path, folders: dict[str, Path]) -> None:
    starts = {start: Hugging.load(folder, start=start, device="cpu") for start in ("own", "eot", "none")}
    assert {start: model.start for start, model in starts.items()} == {"own": (1,), "eot": (0,), "none": ()}
    assert len({model.identity for model in starts.values()}) == 3
    assert starts["own"].identity == Hugging.load(folders["llama"], device="cpu").identity
    assert starts["none"].generate([Ask("", 4)], silent) == starts["own"].generate([Ask("", 4)], silent)
    byte_level(begins=False).save_pretrained(folder)
    assert Hugging.load(folder, device="cpu").start == ()


def test_two_tokens_in_front(folder: Path) -> None:
    from tokenizers import processors

    words = byte_level(begins=False)
    words.backend_tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{END} {BEGIN} $A", special_tokens=[(END, 0), (BEGIN, 1)]
    )
    words.save_pretrained(folder)
    model = Hugging.load(folder, device="cpu")
    assert model.start == (0, 1)
    text = "The quick brown"
    ids = model.tokenizer.encode(text)
    assert [*model.start, *ids] == model.tokenizer.tokenizer.encode(text)
    assert model.generate([Ask("The", 12)], silent) == [model.tokenizer.decode(theirs(model, "The", 12))]
    # likelihoods of a pair and of a text alone: each token once, the two in front never
    lm = Adapter(model)
    [(nats, _)] = lm.score([("The", " quick brown")])
    context = model.tokenizer.encode("The")
    whole = (*model.start, *ids)
    assert nats == pytest.approx(plain(model, Question(whole[:-1], tuple(ids[len(context) :])))[0], abs=1e-4)
    [whole_nats] = lm.loglikelihood_rolling([SimpleNamespace(args=(text,))])
    assert whole_nats == pytest.approx(plain(model, Question(whole[:-1], tuple(ids)))[0], abs=1e-4)


def test_identity_and_length(folder: Path) -> None:
    model = Hugging.load(folder, device="cpu")
    short = Hugging.load(folder, longest=16, device="cpu")
    assert (short.longest, Hugging.load(folder, longest=999, device="cpu").longest) == (16, 64)
    with pytest.raises(ValueError, match="at most 16 tokens"):
        short.answer([[Question((1,) * 17, (1,))]], silent)
    from safetensors.numpy import load_file, save_file

    tensors = load_file(folder / "model.safetensors")
    tensors["model.norm.weight"] = tensors["model.norm.weight"] * 1.001
    save_file(tensors, folder / "model.safetensors", {"format": "pt"})
    assert len({model.identity, short.identity, Hugging.load(folder, device="cpu").identity}) == 3


def test_the_identity_holds_the_versions_of_the_libraries(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = hugging_folder.versions()
    assert set(own) == {"torch", "transformers"}
    assert torch.__version__.startswith(own["torch"])
    assert transformers.__version__ == own["transformers"]
    found = {Hugging.load(folder, device="cpu").identity}
    for name in own:
        monkeypatch.setattr(hugging_folder, "versions", lambda name=name: {**own, name: "0.1"})
        found.add(Hugging.load(folder, device="cpu").identity)
    assert len(found) == 3


def test_saved_penalties_and_temperatures_are_not_taken_over_but_ends_are(
    folder: Path, folders: dict[str, Path]
) -> None:
    untouched = Hugging.load(folders["llama"], device="cpu")
    expected = [theirs(untouched, prompt, 24) for prompt in PROMPTS]
    end = expected[1][10]
    ended = [tokens[: tokens.index(end)] if end in tokens else tokens for tokens in expected]
    saved = {"do_sample": True, "temperature": 2.0, "repetition_penalty": 5.0, "eos_token_id": [0, end]}
    (folder / "generation_config.json").write_text(json.dumps(saved))
    model = Hugging.load(folder, device="cpu")
    found = model.generate([Ask(prompt, 24) for prompt in PROMPTS], silent)
    assert found == [model.tokenizer.decode(tokens) for tokens in ended]


def test_half_precision_is_read_in_single_on_a_processor(folder: Path) -> None:
    torch.manual_seed(1)
    FAMILIES["llama"]().to(torch.bfloat16).save_pretrained(folder)
    model = Hugging.load(folder, device="cpu")
    assert model.network.dtype == torch.float32
    question = Question((1, 5, 6), (9,))
    assert model.answer([[question]], silent)[0][0].nats == pytest.approx(plain(model, question)[0], abs=1e-4)


def spoil_json(path: Path, **fields: Any) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), **fields}))


def pickle_weights(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")


def end_early(folder: Path) -> None:
    data = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(data[: len(data) // 2])


def lose_a_part(folder: Path) -> None:
    FAMILIES["llama"]().save_pretrained(folder, max_shard_size="30KB")
    (folder / "model.safetensors").unlink(missing_ok=True)
    sorted(folder.glob("model-0*.safetensors"))[1].unlink()


def lose_a_weight(folder: Path) -> None:
    from safetensors.numpy import load_file, save_file

    tensors = load_file(folder / "model.safetensors")
    del tensors["model.layers.1.mlp.up_proj.weight"]
    save_file(tensors, folder / "model.safetensors", {"format": "pt"})


def no_number(folder: Path) -> None:
    from safetensors.numpy import load_file, save_file

    tensors = load_file(folder / "model.safetensors")
    tensors["model.norm.weight"] = tensors["model.norm.weight"] * np.float32("nan")
    save_file(tensors, folder / "model.safetensors", {"format": "pt"})


def look_ahead(folder: Path) -> None:
    shape = {key: SHAPE[key] for key in ("vocab_size", "initializer_range")}
    transformers.BertLMHeadModel(transformers.BertConfig(**shape, **LAYERS)).save_pretrained(folder)


def two_networks(folder: Path) -> None:
    config = transformers.T5Config(vocab_size=VOCAB, d_model=32, d_kv=8, d_ff=32, num_layers=1, num_heads=2)
    transformers.T5ForConditionalGeneration(config).save_pretrained(folder)


SPOILT: dict[str, tuple[Callable[[Path], Any], str]] = {
    "no config": (lambda folder: (folder / "config.json").unlink(), "no config.json"),
    "config is no object": (lambda folder: (folder / "config.json").write_text("[1"), "not a JSON object"),
    "pickled": (pickle_weights, "pytorch_model.bin, not in safetensors; reading such a file can run any program"),
    "no weights": (lambda folder: (folder / "model.safetensors").unlink(), "neither model.safetensors nor"),
    "ends early": (end_early, "these weights cannot be read"),
    "a part is missing": (lose_a_part, r"model-00002-of-0000\d.safetensors is missing, one of \d files"),
    "a weight is missing": (lose_a_weight, "weights are missing .*model.layers.1.mlp.up_proj.weight"),
    "another shape": (lambda folder: spoil_json(folder / "config.json", hidden_size=64), "cannot load the model"),
    "no numbers": (no_number, "no number: its weights are damaged"),
    "no tokenizer": (lambda folder: (folder / "tokenizer.json").unlink(), "the folder has no tokenizer"),
    "damaged tokenizer": (lambda folder: (folder / "tokenizer.json").write_text("{}"), "cannot read the tokenizer"),
    "unknown": (lambda folder: spoil_json(folder / "config.json", model_type="novel"), "cannot load the model"),
    "needs code": (
        lambda folder: spoil_json(
            folder / "config.json", model_type="novel", auto_map={"AutoModelForCausalLM": "modeling_novel.Novel"}
        ),
        "needs code that comes with it, which is never run",
    ),
    "quantized": (
        lambda folder: spoil_json(folder / "config.json", quantization_config={"bits": 4}),
        "quantized weights are not read",
    ),
    "an adapter": (lambda folder: (folder / "adapter_config.json").write_text("{}"), "holds an adapter"),
    "looks ahead": (look_ahead, "looks ahead"),
    "two networks": (two_networks, "cannot load the model"),
}


@pytest.mark.parametrize("what", SPOILT)
def test_folders_that_are_refused(what: str, folder: Path) -> None:
    spoil, says = SPOILT[what]
    spoil(folder)
    with pytest.raises(BadInput, match=says):
        Hugging.load(folder, device="cpu")


def test_models_that_are_not_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(BadInput, match="the hub's cache on this computer has no such model"):
        Hugging.load("owner/name", device="cpu")
    with pytest.raises(BadInput, match="there is no such folder"):
        Hugging.load("./not there", device="cpu")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.delenv("LEAVEN_OFFLINE_UNASKED", raising=False)
    with pytest.raises(BadInput, match="HF_HUB_OFFLINE says not to"):
        Hugging.load("owner/name", download=True, device="cpu")


def test_a_model_in_the_hubs_cache(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import constants

    commit = "0123456789abcdef0123456789abcdef01234567"
    storage = tmp_path / "cache" / "models--owner--name"
    (storage / "refs").mkdir(parents=True)
    (storage / "refs" / "main").write_text(commit)
    shutil.copytree(folder, storage / "snapshots" / commit)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    assert Hugging.load("owner/name", device="cpu").identity == Hugging.load(folder, device="cpu").identity
    (storage / "snapshots" / commit / "model.safetensors").unlink()
    with pytest.raises(BadInput, match="neither model.safetensors nor"):
        Hugging.load("owner/name", device="cpu")


def test_devices_and_lengths_that_are_not_there(folder: Path) -> None:
    with pytest.raises(BadInput, match="torch has no device tpu here"):
        Hugging.load(folder, device="tpu")
    with pytest.raises(BadInput, match="room for two tokens"):
        Hugging.load(folder, longest=1, device="cpu")
