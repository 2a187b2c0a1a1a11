"""A subject behind the protocol: what its answers are kept under, and what may be chosen."""

from __future__ import annotations

from dataclasses import replace

import jax.numpy as jnp
import pytest

from leaven.evaluate.adapter import Adapter
from leaven.evaluate.likelihood import reference
from leaven.evaluate.model import Ask, Model, Question
from leaven.evaluate.native import Native
from leaven.evaluate.subject import Subject
from leaven.ground.errors import BadInput
from leaven.ground.progress import silent


def test_a_native_model_is_a_model(subject):
    model: Model = Native(subject)
    assert (model.start, model.empty, model.longest) == ((0,), 0, 64)
    ((found,),) = model.answer([[Question((1, 2, 3), (4,))]], silent)
    expected = reference(subject.params, subject.config, Question((1, 2, 3), (4,)))
    assert found.nats == pytest.approx(expected.nats, abs=1e-5)
    assert model.generate([Ask("abc", 5)], silent) == model.generate([Ask("abc", 5)], silent)


def test_identity_is_of_everything_that_an_answer_depends_on(subject):
    class Other(type(subject.tokenizer)):
        def encode(self, text):
            return [*super().encode(text), 1]

    moved = {**subject.params, "embedding": jnp.asarray(subject.params["embedding"]).at[3, 3].add(1e-3)}
    models = [
        Native(subject),
        Native(replace(subject, params=moved)),
        Native(replace(subject, config=replace(subject.config, logit_scale=0.5))),
        Native(replace(subject, tokenizer=Other())),
        Native(replace(subject, tokenizer=type(subject.tokenizer)(eot=1))),
        Native(subject, compute="bfloat16"),
        Native(subject, start="none"),
        Native(subject, longest=32),
        Native(replace(subject, weights_sha256="1" * 64)),
        Native(replace(subject, tokenizer_sha256="1" * 64)),
    ]
    identities = [model.identity for model in models]
    assert len(set(identities)) == len(models)
    assert Native(Subject(subject.params, subject.config, subject.tokenizer)).identity == identities[0]
    assert Native(subject, compute="float32", longest=64).identity == identities[0]


def test_a_shorter_window(subject):
    text = "a b c d e f g h i j k l m n o p q r s t u v w x y z" * 3
    short = Adapter(Native(subject, longest=16))
    cut = Adapter(Native(replace(subject, config=replace(subject.config, sequence=16))))
    pairs = [(text, " end"), ("x", text)]
    assert short.score(pairs) == cut.score(pairs)
    assert short.truncated == set(pairs)
    assert short.model.generate([Ask(text, 4)], silent) == cut.model.generate([Ask(text, 4)], silent)


def test_nothing_in_front(subject):
    bare = Adapter(Native(subject, start="none"))
    assert bare._encode([("ab", "c"), ("", "c")]) == [([97, 98], [99]), ([0], [99])]
    ((nats, _),) = bare.score([("ab", "c")])
    assert nats == pytest.approx(reference(subject.params, subject.config, Question((97, 98), (99,))).nats, abs=1e-5)


def test_bfloat16_is_asked_for(subject):
    half = Native(subject, compute="bfloat16")
    ((found,),) = half.answer([[Question((1, 2, 3), (4,))]], silent)
    expected = reference(subject.params, subject.config, Question((1, 2, 3), (4,)))
    assert found.nats != pytest.approx(expected.nats, abs=1e-6)
    assert found.nats == pytest.approx(expected.nats, abs=0.1)


@pytest.mark.parametrize(
    ("chosen", "message"),
    [({"longest": 65}, "between 1 and 64"), ({"longest": 0}, "between 1 and 64"), ({"start": "bos"}, "eot, none")],
)
def test_choices_that_mean_nothing_are_refused(subject, chosen, message):
    with pytest.raises(BadInput, match=message):
        Native(subject, **chosen)
