"""The adapter keeps lm-eval's conventions and counts what it cuts."""

from __future__ import annotations

import math
from types import SimpleNamespace

import pytest
from lm_eval.api.model import TemplateLM

from leaven.evaluate.adapter import JaxLM, score_completions
from leaven.evaluate.likelihood import Question, reference
from leaven.evaluate.subject import Subject


def ask(*args):
    return SimpleNamespace(args=args)


class Pairs:
    """A tokenizer that merges "ab": cutting inside a token becomes possible."""

    eot, size = 0, 256

    def encode(self, text):
        return list(text.replace("ab", "\x01").encode())

    def count_bytes(self, ids):
        return sum(2 if token == 1 else 1 for token in ids)


def test_likelihoods_equal_plain_forward_passes(subject):
    lm = JaxLM(subject)
    requests = [ask("The key is in", " the box"), ask("", "a text"), ask("two ", "words"), ask("x = (", ")")]
    found = lm.loglikelihood(requests)
    for (nats, greedy), request in zip(found, requests, strict=True):
        context, continuation = request.args
        whole = [0, *(context + continuation).encode()]
        head = 1 + len(context.rstrip().encode())
        expected = reference(subject, Question(tuple(whole[:-1]), tuple(whole[head:])))
        assert nats == pytest.approx(expected.nats, abs=1e-4)
        assert greedy == expected.greedy
    assert not lm.truncated
    assert not lm.uneven


@pytest.mark.parametrize(
    "pair", [("a cat", " sat"), ("a cat  ", "sat"), ("one ab two", " ab"), ("line\n", "    next"), ("ca", "b")]
)
def test_pairs_are_cut_as_lm_eval_cuts_them(subject, pair):
    tokenizer = Pairs()
    lm = JaxLM(Subject(subject.params, subject.config, tokenizer))
    theirs = TemplateLM._encode_pair(SimpleNamespace(backend="causal", tok_encode=tokenizer.encode), *pair)
    context, continuation = lm._encode([pair])[0]
    if theirs[1]:
        assert (context, continuation) == ([0, *theirs[0]], theirs[1])
    else:
        assert continuation == [1]
        assert lm.uneven == {pair: 2}


@pytest.mark.parametrize(
    ("pair", "scored"), [(("ca", "bcd"), 2), (("ca", "b"), 2), (("c a", " b"), 2), (("line\n", "ab"), 3)]
)
def test_bytes_where_a_token_holds_both_sides(subject, pair, scored):
    """What "ab" swallowed of a continuation is not scored and must not be divided by."""
    tokenizer = Pairs()
    lm = JaxLM(Subject(subject.params, subject.config, tokenizer))
    _, targets = lm._encode([pair])[0]
    assert lm.scored_bytes(*pair) == tokenizer.count_bytes(targets) == scored


def test_long_contexts_are_cut_from_the_left_and_counted(subject):
    lm = JaxLM(subject)
    sequence = subject.config.sequence
    long, short = "b" * 10 + "a" * (sequence - 1), "a" * (sequence - 1)
    (cut, _), (whole, _) = lm.loglikelihood([ask(long, " x"), ask("c" + short, " x")])
    assert lm.truncated == {(long, " x"), ("c" + short, " x")}
    assert cut == whole


def test_a_uniform_model_costs_eight_bits_a_byte(uniform):
    text = "Grüße aus dem Wörterbuch, " * 40
    lm = JaxLM(uniform)
    (nats,) = lm.loglikelihood_rolling([ask(text)])
    assert -nats / math.log(2) / len(text.encode()) == pytest.approx(8.0, abs=1e-6)
    (bits, size), empty = score_completions(uniform, [("A prompt", " and more"), ("A prompt", "")])
    assert bits / size == pytest.approx(8.0, abs=1e-6)
    assert empty == (0.0, 0)


def test_bytes_are_those_of_the_string_scored(subject):
    ((bits, size),) = score_completions(subject, [("A prompt ", "ü")])
    ((same, _),) = score_completions(subject, [("A prompt", " ü")])
    assert size == 3
    assert bits == same


def test_generation_stops_where_told(subject):
    lm = JaxLM(subject)
    (free,) = lm.generate_until([ask("abc", {"until": [], "max_gen_toks": 12})])
    (cut,) = lm.generate_until([ask("abc", {"until": free[3], "max_gen_toks": 12})])
    assert cut == free.partition(free[3])[0]
    assert len(cut) < len(free)


def test_rolling_of_nothing(subject):
    assert JaxLM(subject).loglikelihood_rolling([ask("")]) == [0]
