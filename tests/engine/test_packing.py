"""How many stages go into one program: what is decided from what is measured, and who waits for it."""

from __future__ import annotations

import json

import pytest

from leaven.engine import crew as crews
from leaven.engine import packing
from leaven.engine.crew import Crews
from leaven.engine.devices import PROCESSOR, Device
from leaven.engine.estimate import seconds_of
from leaven.engine.packing import Figure, Figures, decide, program_of, shape_of, wanted, width
from leaven.engine.room import Room
from leaven.engine.state import State
from leaven.engine.store import Store
from leaven.engine.trial import Trial, compare
from leaven.ground.errors import BadInput
from leaven.model.config import from_size
from leaven.study.step import Graph

GPU = Device("gpu", "NVIDIA H200", 1, 150 * 2**30, "cuda,cpu")


def stage(graph, name, model=None, inputs=None, **more):
    fields = {
        "kind": "pretrain",
        "seed": 1,
        "model": dict((model or from_size("1m")).__dict__),
        "mixture": {"text": 1.0},
        "steps": 10,
        "batch": 8,
        "sequence": 256,
        "precision": "float32",
        "schedule": {"kind": "constant", "peak": 0.01},
        "optimizer": {"beta1": 0.9},
        "z_loss": 0.0,
        "document_mask": False,
        "spike": {"policy": "record"},
        "carry": None,
        "cursor": None,
        "curve": {"every": 5, "rows": {"text": 4}},
    }
    tokenizer = graph.add("tokenizer", "tokenizer", {}, {})
    return graph.steps[graph.add("stage", name, fields | more, {"tokenizer": tokenizer, **(inputs or {})})]


@pytest.fixture
def graph():
    return Graph()


@pytest.fixture
def store(tmp_path):
    made = Store(tmp_path / "store")
    made.prepare()
    return made


@pytest.fixture
def figures(store):
    return Figures.of(store)


@pytest.mark.parametrize(("word", "means"), [("auto", None), ("off", 1), ("1", 1), ("12", 12)])
def test_words(word, means):
    assert wanted(word) == means


@pytest.mark.parametrize("word", ["", "on", "0", "-3", "2.5", "²"])
def test_mistaken_words(word):
    with pytest.raises(BadInput, match="--pack"):
        wanted(word)


def test_what_the_stages_of_one_program_may_differ_in(graph):
    first = stage(graph, "first")
    own = {
        "seed": 2,
        "mixture": {"code": 1.0},
        "schedule": {"kind": "linear", "peak": "parent", "final": 0.0},
        "carry": "weights",
        "cursor": "restart",
        "kind": "cooldown",
        "curve": {"every": 5, "rows": {"code": 2}},
    }
    assert shape_of(stage(graph, "other", **own)) == shape_of(first)
    for name, value in {
        "model": from_size("1m", vocab=300),
        "steps": 11,
        "batch": 4,
        "sequence": 128,
        "precision": "bfloat16",
        "optimizer": {"beta1": 0.8},
        "z_loss": 1e-4,
        "document_mask": True,
        "spike": {"policy": "stop"},
        "curve": {"every": 6, "rows": {"text": 4}},
    }.items():
        assert shape_of(stage(graph, f"other {name}", **{name: value})) != shape_of(first), name


def test_shapes_here_are_finer_than_those_of_the_training_room(graph, tmp_path):
    """Whatever this room puts together, `run_pack` takes."""
    from leaven.engine.stages import plan_of
    from leaven.engine.task import Task
    from leaven.train import packed

    adam = {"beta1": 0.9, "beta2": 0.95, "epsilon": 1e-8, "weight_decay": 0.1, "clip": 1.0, "decay": "matrices"}
    roles = {"shards:text": "a" * 8, "shards:code": "b" * 8}
    steps = [
        stage(graph, "one", optimizer=adam, spike={}),
        stage(graph, "two", optimizer=adam, spike={}, seed=2, mixture={"code": 1.0}, cursor="restart"),
    ]

    def theirs(step):
        inputs = dict.fromkeys((*step.inputs, *roles), tmp_path)
        return packed.shape_of(plan_of(Task(step, inputs, tmp_path, tmp_path, tmp_path, False, lambda *told: None)))

    assert shape_of(steps[0]) == shape_of(steps[1])
    assert theirs(steps[0]) == theirs(steps[1])


def test_on_a_processor_stages_run_one_by_one_unless_asked(graph, figures):
    fields = stage(graph, "one").fields
    alone = decide(None, fields, 30, PROCESSOR, figures)
    assert (alone.size, alone.measure, "no faster on one core" in alone.words) == (1, 0, True)
    assert decide(4, fields, 30, PROCESSOR, figures).size == 4
    assert decide(1, fields, 30, GPU, figures).words == "off: stages one by one"


def test_on_an_accelerator_it_is_measured_once(graph, store, figures):
    one = stage(graph, "one")
    choice = decide(None, one.fields, 50, GPU, figures, "1m")
    assert (choice.size, choice.measure) == (1, 32)
    assert choice.words == "stages of 1m: not measured yet on NVIDIA H200; the run does before it trains the first"
    figures.add(program_of(one.fields), GPU, Figure("NVIDIA H200", 1e5, {32: 6.3e5, 16: 5e5}, 32))
    kept = Figures.of(store)  # read anew
    choice = decide(None, one.fields, 50, GPU, kept, "1m")
    assert (choice.size, choice.measure) == (32, 0)
    assert choice.words == (
        "32 stages of 1m together: 6.3× the tokens/s of one after another (measured on NVIDIA H200)"
    )
    assert decide(None, one.fields, 8, GPU, kept, "1m").words.startswith("8 stages of 1m together")
    assert seconds_of(one, kept.rates([one], GPU), GPU) == pytest.approx(one.tokens / 6.3e5)
    # Twice as many are ready as ever were, and more were better so far.
    assert decide(None, one.fields, 64, GPU, kept).measure == 64
    # Another shape, another device, more of them: other figures.
    assert decide(None, stage(graph, "long", batch=16).fields, 32, GPU, kept).measure == 32
    assert decide(None, stage(graph, "short", steps=5).fields, 32, GPU, kept).size == 32
    for device in (Device("gpu", "NVIDIA A100"), Device("gpu", "NVIDIA H200", 8, GPU.memory)):
        assert decide(None, one.fields, 32, device, kept).measure == 32


@pytest.mark.parametrize(
    ("together", "size", "says"),
    [
        ({8: 1.05e5}, 1, "8 together reach 1.05× the tokens/s"),
        ({8: 0.5e5, 4: 0.6e5}, 1, "4 together reach 0.60×"),
        ({}, 1, "two do not fit"),
        ({8: 1.2e5, 4: 1.5e5, 2: 1.4e5}, 4, "4 stages of this shape together: 1.5×"),
    ],
)
def test_only_what_is_faster_is_done(graph, figures, together, size, says):
    fields = stage(graph, "one").fields
    figures.add(program_of(fields), GPU, Figure("NVIDIA H200", 1e5, together, 8))
    choice = decide(None, fields, 8, GPU, figures)
    assert (choice.size, choice.measure, says in choice.words) == (size, 0, True)
    rate = max(1e5, together.get(size, 0))
    one = stage(graph, "one")
    assert figures.rates([one], GPU) == {packing.rate_key(fields, GPU.kind): pytest.approx(rate)}


def test_what_cannot_be_together_is_not_measured(graph, figures):
    small, large = (
        stage(graph, "small").fields,
        stage(graph, "large", from_size("470m"), batch=512, sequence=8192).fields,
    )
    assert decide(None, small, 1, GPU, figures).words.endswith("no two of one shape are ready at the same time")
    choice = decide(None, large, 8, GPU, figures, "470m")
    assert (choice.size, choice.measure) == (1, 0)
    assert choice.words == "stages of 470m one by one: two do not fit into the memory of NVIDIA H200"
    little = Device("gpu", "NVIDIA H200", 1, 2**30)
    assert 2 <= decide(None, small, 64, little, figures).measure < 64


@pytest.mark.parametrize("text", ["", "[]", '{"a": 1}', '{"KEY": {"alone": "fast"}}', '{"KEY": 3}'])
def test_figures_that_cannot_be_read_are_measured_again(graph, store, text):
    one = stage(graph, "one")
    key = packing._key(program_of(one.fields), GPU)
    (store.cache / "packing.json").write_text(text.replace("KEY", key))
    figures = Figures.of(store)
    assert figures.get(program_of(one.fields), GPU) is None
    figures.add(program_of(one.fields), GPU, Figure("NVIDIA H200", 1.0, {2: 3.0}, 2))
    assert Figures.of(store).get(program_of(one.fields), GPU).gain == 3.0


def test_how_many_can_be_ready_at_once(graph):
    roots = [stage(graph, f"root {seed}", seed=seed) for seed in range(3)]
    below = [
        stage(graph, f"below {root.name}", inputs={"parent": root.identity}, kind="cooldown") for root in roots[:2]
    ]
    missing = set(graph.steps)
    assert width(graph, missing, shape_of(roots[0])) == 3
    assert width(graph, missing - {root.identity for root in roots}, shape_of(roots[0])) == 2
    assert width(graph, {below[0].identity}, shape_of(roots[0])) == 1


def test_numbers_of_models_are_halved_until_fewer_are_no_faster():
    def tried(rates, most):
        asked = []

        def rate(models):
            asked.append(models)
            if models not in rates:
                raise BadInput("no memory")
            return rates[models]

        return compare(rate, most), asked

    assert tried({1: 1.0, 4: 3.0, 8: 5.0}, 8) == ((1.0, {8: 5.0, 4: 3.0}), [1, 8, 4])
    assert tried({1: 1.0, 2: 2.0, 4: 3.0, 8: 2.5}, 16) == ((1.0, {8: 2.5, 4: 3.0, 2: 2.0}), [1, 16, 8, 4, 2])
    assert tried({1: 1.0}, 4) == ((1.0, {}), [1, 4, 2])


class Pretended:
    """A measurement that ends when it is told to."""

    def __init__(self, program, most, device, cache, log):
        self.program, self.most, self.ended, self.found = program, most, False, None

    def over(self):
        return self.ended

    def figure(self):
        return self.found

    def stop(self):
        self.ended = True


@pytest.fixture
def crew_of(graph, store, monkeypatch):
    """The crews of a run on an accelerator with four cores."""
    monkeypatch.setattr(crews, "Trial", Pretended)

    def make(pack=None, device=GPU, memory=10**11):
        state = State(graph, set(), {}, device=device)
        return Crews(state, store, Room([0, 1, 2, 3], memory), pack, Figures.of(store))

    return make


def test_stages_wait_for_the_measurement_and_then_share_a_program(graph, crew_of):
    first, *others = [stage(graph, f"seed {seed}", seed=seed) for seed in range(6)]
    evaluation = graph.steps[graph.add("evaluate", "evaluate", {}, {"stage": first.identity})]
    crew = crew_of()
    assert crew.of(first, others) == []
    trial, _ = crew.trial
    assert (trial.most, trial.program) == (4, program_of(first.fields))
    assert "4 stages" in crew.state.note
    crew.look()
    assert crew.of(first, others) == []  # still under way
    assert crew.of(evaluation, others) == []  # nothing else may use the device
    trial.ended, trial.found = True, Figure("NVIDIA H200", 1.0, {4: 3.0}, 4)
    crew.look()
    assert (crew.state.note, crew.trial) == ("", None)
    together = crew.of(first, others)
    assert together == [first, *others[:3]]
    seat = crew.seat(together)
    assert seat
    assert seat.device
    assert crew.of(others[3], others[4:]) == []  # the device is taken
    crew.room.give_back(seat)
    assert crew.of(evaluation, []) == [evaluation]


def test_a_measurement_that_fails_is_not_repeated(graph, crew_of):
    first, second = (stage(graph, f"seed {seed}", seed=seed) for seed in range(2))
    crew = crew_of()
    assert crew.of(first, [second]) == []
    crew.trial[0].ended = True
    crew.look()
    assert crew.of(first, [second]) == [first]


def test_only_stages_that_go_on_from_one_step_are_together(graph, store, crew_of):
    steps = [stage(graph, f"seed {seed}", seed=seed) for seed in range(4)]
    for step, at in ((steps[0], 5), (steps[2], 5), (steps[3], 10)):
        folder = store.work / step.identity / "state"
        folder.mkdir(parents=True)
        (folder / f"step-{at:09d}.json").touch()
    crew = crew_of(pack=4, device=PROCESSOR)
    assert crew.of(steps[0], steps[1:]) == [steps[0], steps[2]]
    assert crew.of(steps[1], steps[2:]) == [steps[1]]


def test_a_crew_is_as_large_as_there_is_memory_for(graph, crew_of):
    steps = [stage(graph, f"seed {seed}", from_size("7m"), batch=32, seed=seed) for seed in range(4)]
    crew = crew_of(pack=4, device=PROCESSOR, memory=8 * 10**9)
    together = crew.of(steps[0], steps[1:])
    assert len(together) == 4
    seat = crew.seat(together)
    assert 1 < len(together) < 4
    assert seat.bytes <= 8 * 10**9
    assert crew.seat([steps[3]]) is None


def test_a_measurement_in_a_process_of_its_own(tmp_path):
    """Of a model of a few hundred weights, on whatever this is."""
    model = dict(from_size("0.3m", vocab=32, sequence=8, width=8, layers=1, heads=1, ffn=8).__dict__)
    program = {"model": model, "batch": 1, "sequence": 8, "precision": "float32"}
    trial = Trial(program, 2, PROCESSOR, tmp_path / "xla", tmp_path / "log")
    try:
        trial.process.wait(240)
        assert trial.over()
        figure = trial.figure()
        assert figure, (tmp_path / "log").read_text()
        assert (figure.tried, list(figure.together)) == (2, [2])
        assert figure.alone > 0
        assert json.dumps(figure.together)
    finally:
        trial.stop()


def test_a_measurement_that_breaks_finds_nothing(tmp_path):
    trial = Trial({"model": {}}, 2, PROCESSOR, tmp_path / "xla", tmp_path / "log")
    trial.process.wait(240)
    assert trial.figure() is None
    assert "KeyError" in (tmp_path / "log").read_text()
