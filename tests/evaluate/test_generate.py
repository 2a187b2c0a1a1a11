"""Continuations are those of a plain forward pass per token, whatever else is asked."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leaven.evaluate import generate as module
from leaven.evaluate.generate import Ask, generate, prompt_tokens
from leaven.evaluate.programs import END
from leaven.evaluate.subject import Subject
from leaven.model import decode
from leaven.model.config import ModelConfig
from leaven.model.init import init
from leaven.model.transformer import hidden, logits

FRAGMENTS = [b"<end>", b"\n", b"\n\n", b"\ndef", b" ", b"de", b"f ", b"\nde", b"a", b"b", b"ab", b"class", b"x = 1"]
FRAGMENTS += [b"\xf0\x9f", b"\x98", b"\x80", "😀".encode(), b"\xc3", b"\xa9", b"\xf0\x9f\x98", b'"', b"1", b"2", b"."]
CONFIG = ModelConfig(width=24, layers=2, heads=4, kv_heads=2, ffn=32, vocab=len(FRAGMENTS), sequence=96)
STOPS = ["\n", "\ndef", "😀", "é", "\n\n", "ab", "aab", "class", ""]


@dataclass(frozen=True)
class Fragments:
    """A vocabulary in which characters, and stops, are cut into several tokens. Prompts are spelt by numbers."""

    eot: int = 0
    size: int = len(FRAGMENTS)

    def encode(self, text: str) -> list[int]:
        return [1 + ord(letter) % (self.size - 1) for letter in text]

    def decode(self, ids) -> str:
        if max(ids, default=0) >= len(FRAGMENTS):
            raise AssertionError("no such token")
        return b"".join(FRAGMENTS[token] for token in ids).decode(errors="replace")


SUBJECT = Subject(jax.tree.map(lambda w: 2 * w, init(CONFIG, 3)), CONFIG, Fragments())


@jax.jit
def full(tokens_1T, at):
    states = hidden(SUBJECT.params, CONFIG, tokens_1T)
    return logits(SUBJECT.params, CONFIG, jax.lax.dynamic_index_in_dim(states[0], at, keepdims=False))


def plain(ask: Ask, pattern=None) -> str:
    return plain_and_broken(ask, pattern)[0]


def plain_and_broken(ask: Ask, pattern=None) -> tuple[str, bool]:
    """One prompt, one full forward pass for each token, the text cut at its end; whether it was broken off."""
    words = SUBJECT.tokenizer
    claim = min(ask.tokens, CONFIG.sequence // 2)
    tokens = [words.eot, *words.encode(ask.prompt)][-(CONFIG.sequence - claim) :]
    new = min(ask.tokens, CONFIG.sequence - len(tokens))
    written: list[int] = []
    while len(written) < new:
        row = np.zeros((1, CONFIG.sequence), np.int32)
        row[0, : len(tokens)] = tokens
        scores = np.asarray(full(row, len(tokens) - 1))
        if ask.temperature > 0:
            scores = scores / np.float32(ask.temperature)
            p = np.exp(scores.astype(np.float64) - scores.max())
            before, total = 0.0, p.sum()
            for token in np.argsort(-scores, kind="stable"):
                if before / total >= ask.top_p:
                    scores[token] = -np.inf
                before += p[token]
            key = jnp.array([ask.key >> 32, ask.key & 0xFFFFFFFF], jnp.uint32)
            key = jax.random.fold_in(jax.random.wrap_key_data(key, impl="threefry2x32"), len(written))
            token = int(draw(key, scores))
        else:
            token = int(scores.argmax())
        if token == words.eot:
            break
        tokens.append(token)
        written.append(token)
    text = words.decode(written)
    ends = [text.find(stop) for stop in ask.stops if stop and stop in text]
    if pattern and (match := pattern.search(text)):
        ends.append(match.start())
    return text[: min(ends, default=None)].rstrip("\ufffd"), not ends and len(written) == new


draw = jax.jit(jax.random.categorical)

ASKS = st.builds(
    Ask,
    prompt=st.text("abcdefghijklmnopqrstuvwxyz", max_size=80),
    tokens=st.integers(1, 30),
    stops=st.lists(st.sampled_from(STOPS), max_size=3).map(tuple),
    temperature=st.sampled_from([0.0, 0.7, 1.5]),
    top_p=st.sampled_from([1.0, 0.8]),
    key=st.integers(0, 2**64 - 1),
)


def some_asks(count: int, seed: int = 0, tokens: int = 40) -> list[Ask]:
    dice = random.Random(seed)
    return [
        Ask(
            "".join(dice.choices("abcdefghijklmnopqrstuvwxyz", k=dice.randrange(50))),
            dice.randrange(1, tokens),
            tuple(dice.sample(STOPS, 2)),
            dice.choice([0.0, 0.8, 1.2]),
            dice.choice([1.0, 0.9]),
            dice.getrandbits(64),
        )
        for _ in range(count)
    ]


@settings(deadline=None, max_examples=12, derandomize=True)
@given(st.lists(ASKS, min_size=1, max_size=14), st.sampled_from([None, END]))
def test_continuations_are_those_of_a_full_pass_for_each_token(asks, pattern):
    broken: list[int] = []
    texts = generate(SUBJECT, asks, stop=pattern, limited=broken.extend)
    found = [(text, place in broken) for place, text in enumerate(texts)]
    assert found == [plain_and_broken(ask, pattern) for ask in asks]


def test_neither_neighbours_nor_order_change_a_text():
    asks = some_asks(40)
    together = generate(SUBJECT, asks)
    assert len(set(together)) > 20
    order = random.Random(1).sample(range(40), 40)
    assert generate(SUBJECT, [asks[place] for place in order]) == [together[place] for place in order]
    for part in (asks[:1], asks[7:9], asks[30:]):
        assert generate(SUBJECT, part) == together[asks.index(part[0]) :][: len(part)]


def test_texts_are_kept_as_they_are_finished():
    asks = [*some_asks(30), Ask("none", 0)]
    kept: dict[int, str] = {}
    told: list[float] = []
    batches = []

    def keep(places, texts):
        assert not kept.keys() & set(places)
        kept.update(zip(places, texts, strict=True))
        batches.append(len(places))

    texts = generate(SUBJECT, asks, keep=keep, progress=lambda done, total, note="": told.append(done))
    assert [kept[place] for place in range(31)] == texts
    assert len(batches) > 5
    assert told == [sum(batches[: turn + 1]) for turn in range(len(batches))]
    assert generate(SUBJECT, []) == []


def test_a_character_and_a_stop_may_be_cut_into_tokens():
    dice = Ask("words", 60, temperature=1.6)
    texts = generate(SUBJECT, [replace(dice, key=key) for key in range(60)])
    split = [key for key, text in enumerate(texts) if "😀" in text]
    assert split
    found = generate(SUBJECT, [replace(dice, key=key, stops=("😀",)) for key in split])
    assert found == [texts[key].partition("😀")[0].rstrip("\ufffd") for key in split]


def test_a_row_that_has_met_its_stop_makes_room(monkeypatch):
    """Forty short answers of at most ninety tokens cost a few pieces, not hundreds."""
    stops = (*"\n ab1.", "😀", '"', "x", "class", "de")
    asks = [Ask("q" * (key % 7), 90, stops, 1.5, key=key) for key in range(40)]
    texts = generate(SUBJECT, asks)
    written = sum(len(text) for text in texts)
    pieces = []
    monkeypatch.setattr(
        decode, "proceed", lambda *given, real=decode.proceed, **more: (pieces.append(1), real(*given, **more))[1]
    )
    assert generate(SUBJECT, asks) == texts
    rows, _, piece = module.CPU
    assert len(pieces) <= (written + 40 * piece) / (rows * piece) + 6


def test_prompts_are_cut_from_the_left():
    room = CONFIG.sequence - 20
    asks = [Ask("x" * length, 20) for length in (0, room - 1, room, 300)] + [Ask("y", 500), Ask("", 500)]
    assert prompt_tokens(SUBJECT, asks[1]) == ([0, *SUBJECT.tokenizer.encode("x" * (room - 1))], 20)
    assert prompt_tokens(SUBJECT, asks[3]) == (SUBJECT.tokenizer.encode("x" * room), 20)
    # half of the input is the most that a continuation has a claim on; what a short prompt leaves is its own as well
    half = CONFIG.sequence // 2
    kept, new = prompt_tokens(SUBJECT, Ask("x" * 300, 500))
    assert (len(kept), new) == (CONFIG.sequence - half, half)
    assert prompt_tokens(SUBJECT, Ask("y", 500))[1] == CONFIG.sequence - 2
    texts = generate(SUBJECT, asks)
    assert texts == [plain(ask) for ask in asks]
    assert texts[2] == texts[3]


def test_tokens_that_are_no_words_are_never_written():
    config = replace(CONFIG, vocab=CONFIG.vocab + 40)
    wide = Subject(init(config, 5), config, Fragments())
    asks = [Ask("a" * length, 30) for length in range(12)]
    assert all(generate(wide, asks))
    with pytest.raises(AssertionError, match="no such token"):
        generate(Subject(wide.params, config, Fragments(size=config.vocab)), asks)


def test_few_programs_are_compiled():
    programs = (decode.begin, decode.proceed)
    before = [program._cache_size() for program in programs]
    config = replace(CONFIG, ffn=40)
    lengths = [Ask("p" * length, tokens) for length in range(0, 60, 3) for tokens in (3, 9, 30)]
    generate(Subject(init(config, 0), config, Fragments()), lengths)
    # prompts of up to 32 and 64 tokens; caches of 64 and 128 positions
    assert [program._cache_size() - then for program, then in zip(programs, before, strict=True)] == [2, 2]


def test_bfloat16_is_as_true_to_the_ask():
    asks = [Ask("p" * length, 30) for length in range(20)]
    texts = generate(SUBJECT, asks, compute="bfloat16")
    assert texts != generate(SUBJECT, asks)
    assert generate(SUBJECT, asks[::-1], compute="bfloat16") == texts[::-1]


WORK = """
import json, sys
import jax
sys.path.insert(0, sys.argv[1])
from test_generate import SUBJECT, some_asks
from leaven.evaluate.generate import generate
asks = some_asks(150)
assert len(jax.local_devices()) == 8
one = generate(SUBJECT, asks, devices=jax.devices()[5:6])
print(json.dumps([generate(SUBJECT, asks), generate(SUBJECT, asks[:3]), one]))
"""


@pytest.mark.long
def test_eight_devices_write_what_one_writes():
    devices = {"XLA_FLAGS": "--xla_force_host_platform_device_count=8", "JAX_PLATFORMS": "cpu"}
    here = str(Path(__file__).parent)
    done = subprocess.run(
        [sys.executable, "-c", WORK, here], env={**os.environ, **devices}, capture_output=True, text=True, timeout=600
    )
    assert done.returncode == 0, done.stderr
    eight, few, one = json.loads(done.stdout)
    assert eight == one == generate(SUBJECT, some_asks(150))
    assert few == one[:3]
