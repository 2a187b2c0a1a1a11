"""The adapter keeps lm-eval's conventions, counts what it cuts, and asks no more than it must."""

from __future__ import annotations

import math
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lm_eval.api.instance import Instance
from lm_eval.api.model import TemplateLM

from leaven.evaluate.adapter import Adapter, score_completions
from leaven.evaluate.likelihood import reference
from leaven.evaluate.model import Answer, Ask, Question
from leaven.evaluate.native import Native
from leaven.evaluate.requests import RequestCache
from leaven.evaluate.settings import read_settings
from leaven.evaluate.subject import Subject
from leaven.ground.errors import BadInput


def ask(*args):
    return SimpleNamespace(args=args)


class Pairs:
    """A tokenizer that merges "ab": cutting inside a token becomes possible."""

    eot, size = 0, 256

    def encode(self, text):
        return list(text.replace("ab", "\x01").encode())

    def decode(self, ids):
        return bytes(ids).decode(errors="replace").replace("\x01", "ab")

    def count_bytes(self, ids):
        return sum(2 if token == 1 else 1 for token in ids)


class Recorded:
    """A model that answers by rote and remembers what it was asked."""

    identity, longest, start, empty = "recorded", 64, (0,), 0

    def __init__(self, start=(0,), empty=0):
        self.tokenizer = Pairs()
        self.start, self.empty = start, empty
        self.groups, self.asks = [], []

    def answer(self, groups, progress, keep=None):
        self.groups += groups
        answers = [[Answer(-float(sum(q.tokens)), len(q.targets) == 1) for q in group] for group in groups]
        if keep:
            for place, found in enumerate(answers):
                keep([place], [found])
        return answers

    def generate(self, asks, progress, keep=None):
        self.asks += asks
        texts = [f"{one.prompt}{one.key}" for one in asks]
        if keep:
            keep(range(len(asks)), texts)
        return texts


def instance(context, continuation, document, task="piqa", index=0):
    return Instance("loglikelihood", {}, (context, continuation), index, (task, document, 1))


def test_likelihoods_equal_plain_forward_passes(subject):
    lm = Adapter(Native(subject))
    requests = [ask("The key is in", " the box"), ask("", "a text"), ask("two ", "words"), ask("x = (", ")")]
    found = lm.loglikelihood(requests)
    for (nats, greedy), request in zip(found, requests, strict=True):
        context, continuation = request.args
        whole = [0, *(context + continuation).encode()]
        head = 1 + len(context.rstrip().encode())
        expected = reference(subject.params, subject.config, Question(tuple(whole[:-1]), tuple(whole[head:])))
        assert nats == pytest.approx(expected.nats, abs=1e-4)
        assert greedy == expected.greedy
    assert not lm.truncated
    assert not lm.uneven
    assert lm.scored_tokens("two ", "words") == 6


@pytest.mark.parametrize(
    "pair", [("a cat", " sat"), ("a cat  ", "sat"), ("one ab two", " ab"), ("line\n", "    next"), ("ca", "b")]
)
def test_pairs_are_cut_as_lm_eval_cuts_them(subject, pair):
    tokenizer = Pairs()
    lm = Adapter(Native(Subject(subject.params, subject.config, tokenizer)))
    theirs = TemplateLM._encode_pair(SimpleNamespace(backend="causal", tok_encode=tokenizer.encode), *pair)
    context, continuation = lm._encode([pair])[0]
    if theirs[1]:
        assert (context, continuation) == ([0, *theirs[0]], theirs[1])
    else:
        assert continuation == [1]
        assert lm.uneven == {pair: 2}


@given(st.text("ab \n", max_size=6), st.text("ab ", min_size=1, max_size=5))
def test_any_pair_is_cut_as_lm_eval_cuts_it(context, continuation):
    lm = Adapter(Recorded(start=()))
    (cut,) = lm._encode([(context, continuation)])
    if not context:
        assert cut == ([0], lm.model.tokenizer.encode(continuation))
        return
    encode = SimpleNamespace(backend="causal", tok_encode=lm.model.tokenizer.encode)
    theirs = TemplateLM._encode_pair(encode, context, continuation)
    swallowed = not theirs[1]
    assert cut[1] == (theirs[1] or lm.model.tokenizer.encode(context + continuation)[-1:])
    if theirs[0] and not swallowed and (context, continuation) not in lm.uneven:
        assert cut[0] == theirs[0]
    assert len(cut[0]) >= 1
    assert lm.scored_bytes(context, continuation) == lm.model.tokenizer.count_bytes(cut[1])


@pytest.mark.parametrize(
    ("pair", "scored"), [(("ca", "bcd"), 2), (("ca", "b"), 2), (("c a", " b"), 2), (("line\n", "ab"), 3)]
)
def test_bytes_where_a_token_holds_both_sides(subject, pair, scored):
    """What "ab" swallowed of a continuation is not scored and must not be divided by."""
    tokenizer = Pairs()
    lm = Adapter(Native(Subject(subject.params, subject.config, tokenizer)))
    _, targets = lm._encode([pair])[0]
    assert lm.scored_bytes(*pair) == tokenizer.count_bytes(targets) == scored


@pytest.mark.parametrize("context", ["", "  ", "\n"])
def test_a_context_without_tokens_is_the_empty_token(context):
    nothing = Adapter(Recorded(start=(), empty=7))
    assert nothing._encode([(context, "x")]) == [([7], list(f"{context}x".encode()))]
    begun = Adapter(Recorded(start=(3,), empty=7))
    assert begun._encode([(context, "x")])[0][0] == [3]


@pytest.mark.parametrize("pair", [("A context", ""), ("", "")])
def test_a_pair_with_nothing_to_score_is_refused_by_name(pair):
    lm = Adapter(Recorded())
    with pytest.raises(BadInput, match="piqa, document 12: the continuation of .* is empty"):
        lm.loglikelihood([instance("fine", " answer", 11), instance(*pair, 12)])
    assert not lm.model.groups
    assert lm.loglikelihood([instance("white space is scored ", "", 1)])


def test_long_contexts_are_cut_from_the_left_and_counted(subject):
    lm = Adapter(Native(subject))
    sequence = subject.config.sequence
    long, short = "b" * 10 + "a" * (sequence - 1), "a" * (sequence - 1)
    (cut, _), (whole, _) = lm.loglikelihood([ask(long, " x"), ask("c" + short, " x")])
    assert lm.truncated == {(long, " x"), ("c" + short, " x")}
    assert cut == whole


def test_a_continuation_longer_than_the_window_is_scored_in_windows(subject):
    lm = Adapter(Native(subject))
    text = "long " * 40
    ((nats, _),) = lm.loglikelihood([ask("", text.rstrip())])
    assert nats == pytest.approx(lm.loglikelihood_rolling([ask(text.rstrip())])[0], abs=1e-6)
    assert lm.truncated == {("", text.rstrip())}
    assert lm.scored_tokens(text.rstrip()) == 199


def test_a_uniform_model_costs_eight_bits_a_byte(uniform):
    text = "Grüße aus dem Wörterbuch, " * 40
    lm = Adapter(Native(uniform))
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


def test_rolling_of_nothing(subject):
    assert Adapter(Native(subject)).loglikelihood_rolling([ask("")]) == [0]


def test_requests_of_a_document_are_a_group():
    lm = Adapter(Recorded())
    requests = [instance("one", " a", 0), instance("one", " b", 0), instance("", " a", 0), instance("one", " a", 1)]
    found = lm.loglikelihood([*requests, instance("one", " a", 1, "copa"), ask("one", " a"), ask("one", " c")])
    # the fourth and fifth are one question asked twice, and asked once
    assert [len(group) for group in lm.model.groups] == [3, 1, 2]
    assert found[3] == found[4]
    lm.score([("x", "y"), ("x", "z"), ("w", "z")])
    assert [len(group) for group in lm.model.groups[3:]] == [2, 1]


def test_kept_answers_are_not_asked_for_again(tmp_path):
    first, again = Recorded(), Recorded()
    requests = [instance("one", f" {i}", i // 2) for i in range(6)]
    with RequestCache(tmp_path, "recorded") as cache:
        lm = Adapter(first, cache=cache)
        before = [lm.loglikelihood(requests), lm.loglikelihood_rolling([ask("text")]), lm.write([Ask("p", 3)])]
    with RequestCache(tmp_path, "recorded") as cache:
        lm = Adapter(again, cache=cache)
        assert [lm.loglikelihood(requests), lm.loglikelihood_rolling([ask("text")]), lm.write([Ask("p", 3)])] == before
        assert again.groups == again.asks == []
        assert lm.scored_tokens("one", " 3") == 2
        # a group that is not whole is asked for whole; another ask is another request
        lm.loglikelihood(requests[1:])
        lm.write([Ask("p", 3, ("stop",)), Ask("p", 4), Ask("p", 3, temperature=0.5)])
    assert [len(group) for group in again.groups] == [1]
    assert len(again.asks) == 3
    with RequestCache(tmp_path, "another") as cache, pytest.raises(BadInput, match="not of recorded"):
        Adapter(again, cache=cache)


def test_generation_stops_where_told(subject):
    lm = Adapter(Native(subject))
    (free,) = lm.generate_until([ask("abc", {"until": [], "max_gen_toks": 12})])
    (cut,) = lm.generate_until([ask("abc", {"until": free[3], "max_gen_toks": 12})])
    assert cut == free.partition(free[3])[0]
    assert len(cut) < len(free)


def test_settings_reach_the_model():
    lm = Adapter(Recorded())
    drawn = {"until": "\n", "max_gen_toks": 5, "do_sample": True, "temperature": 0.8, "top_p": 0.95}
    one = Instance("generate_until", {}, ("p", drawn), 0, ("humaneval", 3, 2))
    other = Instance("generate_until", {}, ("p", drawn), 0, ("humaneval", 4, 2))
    lm.generate_until([one, one, other, ask("q", {"until": ["a", "b"]})])
    first, second, *rest = lm.model.asks
    assert (first.tokens, first.stops, first.temperature, first.top_p) == (5, ("\n",), 0.8, 0.95)
    assert first.key != second.key
    # the other document asks as the first did and is answered with it
    assert rest == [Ask("q", 32, ("a", "b"))]


@pytest.mark.parametrize(
    ("given", "tokens", "stops", "temperature", "top_p"),
    [
        ({}, 256, (), 0.0, 1.0),
        ({"until": None, "max_new_tokens": 7}, 7, (), 0.0, 1.0),
        ({"until": ["", "x"], "max_gen_toks": 7, "max_tokens": 9}, 7, ("x",), 0.0, 1.0),
        ({"do_sample": False, "temperature": 0.7, "top_k": 40}, 256, (), 0.0, 1.0),
        ({"do_sample": True}, 256, (), 1.0, 1.0),
        ({"temperature": 1, "top_p": 0.5, "num_beams": 1}, 256, (), 1.0, 0.5),
        ({"do_sample": True, "temperature": 0.0}, 256, (), 0.0, 1.0),
    ],
)
def test_settings_are_read_as_lm_eval_means_them(given, tokens, stops, temperature, top_p):
    found = read_settings(given, 2048)
    assert (found.tokens, found.stops, found.temperature, found.top_p) == (tokens, stops, temperature, top_p)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"num_beams": 4}, "generation_kwargs.num_beams: 4 is not what is computed here"),
        ({"temperatur": 1}, 'did you mean "temperature"'),
        ({"temperature": -1}, "must not be negative"),
        ({"temperature": 1, "top_k": 40}, "generation_kwargs.top_k"),
        ({"top_p": 0}, "must be above 0"),
        ({"max_gen_toks": 0}, "a whole number above 0"),
        ({"max_gen_toks": "many"}, "must be a number"),
        ({"until": [1]}, "a string or a list of strings"),
    ],
)
def test_settings_that_mean_nothing_are_refused(given, message):
    with pytest.raises(BadInput, match=message) as raised:
        read_settings(given, 2048, "task, document 1")
    assert str(raised.value).startswith("task, document 1: generation_kwargs.")


def test_what_lm_eval_asks_of_a_model_besides(subject):
    lm = Adapter(Native(subject))
    assert Native(subject).identity in lm.tokenizer_name
    assert (lm.rank, lm.world_size, lm.chat_template()) == (0, 1, "")
    with pytest.raises(BadInput, match="no chat template"):
        lm.apply_chat_template([{"role": "user", "content": "hello"}])


def test_prompts_that_do_not_fit_are_told(subject):
    """A continuation has a claim on half of the input at most; a prompt that has to make room is told."""
    lm = Adapter(Native(subject))
    half = subject.config.sequence // 2
    fits, over = "x" * (half - 1), "x" * half
    lm.write([Ask(fits, 500), Ask(over, 500)])
    assert lm.cut == {over}
