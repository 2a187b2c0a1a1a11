"""The command line: mistakes end in a sentence and exit code 2; looking changes nothing."""

from __future__ import annotations

import importlib.util
import json
import signal
import subprocess
import sys
import time

import pytest

from leaven import cli
from leaven.engine import hardware
from leaven.engine.display import Display
from leaven.engine.state import Running, State
from leaven.engine.store import Store
from leaven.ground.errors import BadInput
from leaven.ground.version import __version__
from leaven.study.step import Graph

LEAVEN = [sys.executable, "-m", "leaven.cli"]


@pytest.fixture
def leaven(monkeypatch, capsys, tmp_path, study_file):
    """The command line in this process: (exit code, stdout, stderr)."""
    monkeypatch.chdir(tmp_path)
    before = signal.getsignal(signal.SIGTERM)

    def call(*words):
        monkeypatch.setattr(sys, "argv", ["leaven", *words])
        code = 0
        try:
            cli.main()
        except SystemExit as end:
            code = end.code
        return code, *capsys.readouterr()

    yield call
    signal.signal(signal.SIGTERM, before)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["frobnicate"], "No such command"),
        (["plan", "micro.yaml", "--set", "model.size=9t"], 'model.size: unknown model size "9t"'),
        (["plan", "micro.yaml", "--set", "training.pretrain.peak=.nan"], "training.pretrain.peak"),
        (["plan", "micro.yaml", "--set", "evaluate.items.bolean=3"], 'did you mean "boolean"?'),
        (["plan", "micro.yaml", "--source", "text=nowhere"], "nowhere does not exist"),
        (["plan", "micro.yaml", "--source", "text=empty"], "nothing here can be read for text"),
        (["plan", "micro.yaml", "--source", "text=blob"], "this form of file is not read for text"),
        (["plan", "micro.yaml", "--without", "cod"], '"cod" cannot be left out'),
        (["plan", "a" * 5000], "no study"),
        (["why", "nosuch", "--study", "micro.yaml"], 'no step "nosuch"'),
        (["verdict", "micro.yaml"], "Run it first: leaven run micro.yaml"),
        (["report", "micro.yaml"], "have not been run"),
        (["run", "micro.yaml", "--runs", "blob"], "blob/store: cannot write to the store"),
        (["run", "micro.yaml", "--jobs", "0"], "--jobs"),
        (["run", "micro.yaml", "--pack", "0"], '--pack: "0" is neither auto, off nor a number of stages'),
        (["plan", "micro.yaml", "--pack", "much"], '--pack: "much" is neither'),
        (["plan", "micro.yaml", "--model-axis", "2"], "--model-axis: has no effect without --compile"),
        (["run", "micro.yaml", "--device", "fpu"], '--device: "fpu" is not one of auto, cpu, gpu, tpu'),
        (["run", "micro.yaml", "--on", "Ray"], 'did you mean "ray"?'),
        (["run", "micro.yaml", "--on", "local-cluster"], 'did you mean "local-cluster:N"?'),
        (["run", "micro.yaml", "--on", "moon"], '"moon" is no place to run on\n  One of local,'),
        (["run", "micro.yaml", "--store", "blob"], "Give a folder you can write to: --store DIR."),
    ],
)
def test_mistakes(leaven, tmp_path, words, says):
    (tmp_path / "empty").mkdir()
    (tmp_path / "blob").write_bytes(bytes(range(256)))
    code, said, complained = leaven(*words)
    assert code == 2
    assert says in complained
    assert complained.startswith("leaven: ")
    assert not said


@pytest.mark.parametrize(
    ("words", "package", "says"),
    [
        (["--on", "ray"], "ray", "--on ray: Ray is not installed"),
        (["--on", "local-cluster:2"], "ray", 'pip install "leaven[cluster]"'),
        (["--on", "slurm"], "submitit", "--on slurm: submitit is not installed"),
        (["--store", "s3://bucket/here"], "s3fs", 'pip install "leaven[s3]"'),
    ],
)
def test_what_is_not_installed_is_told_before_anything_is_looked_at(leaven, monkeypatch, words, package, says):
    for room in ("executors", "stores"):
        monkeypatch.setattr(
            f"leaven.engine.{room}.find_spec", lambda name: None if name == package else importlib.util.find_spec(name)
        )
    monkeypatch.setattr("leaven.lab.Study.prepare", lambda *_, **__: pytest.fail("sources were looked at"))
    code, said, complained = leaven("run", "micro.yaml", *words)
    assert (code, said, says in complained) == (2, "", True)


def test_the_version(leaven):
    assert leaven("--version") == (0, f"leaven {__version__}\n", "")
    assert "from raw files to a verdict" in " ".join(leaven("--help")[1].split())


def test_a_store_in_use_names_the_option_that_it_was_given_with(tmp_path):
    for words, option in (((tmp_path / "one",), "--runs DIR"), ((tmp_path / "two", "--store DIR"), "--store DIR")):
        store = Store(*words)
        store.prepare()
        with store.lock(), pytest.raises(BadInput, match=f"or give another folder: {option}"), Store(*words).lock():
            pass


def test_a_study_folder_that_is_a_file(leaven, tmp_path):
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs/micro").write_text("in the way")
    code, _, complained = leaven("run", "micro.yaml")
    assert (code, "runs/micro: cannot write to the study's folder" in complained) == (2, True)


def test_looking_writes_nothing(leaven, tmp_path):
    before = sorted(tmp_path.rglob("*"))
    for words in (["plan"], ["plan", "--json"], ["status"], ["status", "--json"]):
        assert leaven(words[0], "micro.yaml", *words[1:])[0] == 0
    assert leaven("why", "corpus", "--study", "micro.yaml")[0] == 0
    assert leaven("doctor", "--json")[0] == 0
    assert sorted(tmp_path.rglob("*")) == before
    (tmp_path / "runs/store/cache").mkdir(parents=True)
    (tmp_path / "runs/store/cache/hashes.json").write_text("{}")
    assert leaven("plan", "micro.yaml")[0] == 0
    assert (tmp_path / "runs/store/cache/hashes.json").read_text() == "{}"


def test_the_plan_says_where_memory_does_not_suffice(leaven, monkeypatch):
    monkeypatch.setattr("leaven.engine.hardware.memory", lambda: 8 * 10**9)
    words = ("plan", "micro.yaml", "--device", "cpu")
    assert "memory    " not in leaven(*words)[1]
    said = leaven(*words, "--size", "2.8b")[1]
    assert "memory    too little: the largest step may need " in said
    assert " 1 step at once" in said


@pytest.mark.parametrize(
    ("words", "together", "says"),
    [
        ([], 1, "packing   stages one by one: together they are no faster on one core"),
        (["--pack", "off"], 1, "packing   off: stages one by one\n"),
        (["--pack", "4"], 4, "packing   up to 4 stages of one shape together, as asked for\n"),
    ],
)
def test_the_plan_says_what_is_computed_where_and_how_many_at_once(leaven, words, together, says):
    code, said, _ = leaven("plan", "micro.yaml", "--device", "cpu", *words)
    assert (code, says in said, "device    cpu, one core a step\n" in said) == (0, True, True)
    assert said.count("packing   ") == 1
    data = json.loads(leaven("plan", "micro.yaml", "--device", "cpu", "--json", *words)[1])
    assert (data["device"]["platform"], data["device"]["count"]) == ("cpu", 1)
    rows = {(row["steps"], row["ready"]): row["together"] for row in data["packing"]}
    assert rows == {(20, 4): together, (10, 6): together}


def test_options_that_change_what_is_run_are_understood_everywhere(leaven):
    def programs(*words):
        code, said, _ = leaven("why", "text-only/seed-1/evaluate", "--study", "micro.yaml", "--json", *words)
        assert code == 0
        return json.loads(said)["identity"]

    assert programs("--without", "code") != programs("--allow-unisolated")
    for command in ("plan", "status"):
        assert leaven(command, "micro.yaml", "--without", "code", "--json")[0] == 0
    assert leaven("verdict", "micro.yaml", "--without", "code", "--allow-unisolated")[0] == 2


def test_no_command_shows_help(leaven):
    code, said, _ = leaven()
    assert (code, said.startswith("Usage")) == (0, True)


def test_the_status_of_another_run_is_not_told_as_this_ones(leaven, tmp_path):
    from leaven.engine.store import Store

    store = Store(tmp_path / "runs/store")
    store.prepare()
    (tmp_path / "runs/micro").mkdir()
    left = {"process": 1, "ended": False, "seconds": 5.0, "remaining_seconds": 9.0, "running": {}}
    (tmp_path / "runs/micro/status.json").write_text(json.dumps(left))
    with store.lock():
        assert json.loads(leaven("status", "micro.yaml", "--json")[1])["running"] is None


def test_a_terminal_without_arrows():
    done = subprocess.run(
        [*LEAVEN, "plan", "--help"], env={"PYTHONIOENCODING": "ascii"}, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0
    code = "from leaven import cli; import sys; sys.argv = ['leaven', 'why', '→']; cli.main()"
    env = {"PYTHONIOENCODING": "ascii:strict"}
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, timeout=60)
    assert (done.returncode, "Traceback" in done.stderr) == (2, False)


def test_sigterm_stops_everything_and_says_so(study_file, tmp_path):
    process = subprocess.Popen(
        [*LEAVEN, "run", str(study_file)], cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and not list((tmp_path / "runs").glob("store/steps/*")):
        time.sleep(0.1)
    process.terminate()
    _, said = process.communicate(timeout=60)
    assert process.returncode == 143
    assert "run again to continue" in said
    assert "Traceback" not in said


def test_names_with_brackets_are_shown_as_they_are():
    from rich.console import Console

    graph = Graph()
    step = graph.steps[graph.add("tokenizer", "[/b] [red]", {}, {})]
    state = State(graph, set(), {}, running={step.identity: Running(step, time.monotonic(), note="[/x]")})
    display = Display(Console(force_terminal=True, width=120, file=sys.stdout))
    with display:
        display.watch(state)
        with display.console.capture() as shown:
            display.console.print(display.live.renderable)
    assert "[/b] [red] · [/x]" in shown.get()


@pytest.mark.parametrize(("limit", "most"), [("100000 100000", 1), ("max 100000", None), ("", None)])
def test_a_containers_share_of_the_processor_is_respected(limit, most, tmp_path, monkeypatch):
    monkeypatch.setattr(hardware, "GROUP", tmp_path)
    (tmp_path / "cpu.max").write_text(limit)
    monkeypatch.setattr("os.sched_getaffinity", lambda process: {0, 1, 2, 3})
    assert len(hardware.cores()) == (most or 4)
