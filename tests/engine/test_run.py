"""A whole study, from files to verdict, in seconds: it finishes, repeats for nothing, gives the same bytes anywhere."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time

import pytest

from leaven.ground.files import read_json, sha256_file
from leaven.lab import Study, load

LEAVEN = [sys.executable, "-m", "leaven.cli"]


def warm(finished, runs):
    """Give a new store the compiled programs of a finished one: compiling is not what is tested."""
    shutil.copytree(finished / "runs/store/cache/xla", runs / "store/cache/xla")


def leaven(*words, cwd, **more):
    """The command line in a process of its own."""
    return subprocess.run([*LEAVEN, *words], cwd=cwd, capture_output=True, text=True, timeout=400, **more)


def results_of(runs):
    """Every result's hash, by step identity and file. Manifests hold times and are not results."""
    found = {}
    for folder in (runs / "store" / "steps").iterdir():
        for path in folder.rglob("*"):
            if path.is_file() and path.name != "manifest.json":
                found[f"{folder.name}/{path.relative_to(folder)}"] = sha256_file(path)
    return found


@pytest.fixture(scope="module")
def finished(study_text, tmp_path_factory):
    """One undisturbed run of the micro study."""
    folder = tmp_path_factory.mktemp("finished")
    (folder / "micro.yaml").write_text(study_text, encoding="utf-8")
    done = leaven("run", "micro.yaml", cwd=folder)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder, done.stdout


def test_ends_with_verdicts_and_the_page(finished):
    folder, said = finished
    assert "verdict" in said
    assert "proxy scale" in said
    assert "report    runs/micro/report.html" in said
    assert said.rstrip().endswith("transfer to larger models is unproven")
    assert (folder / "runs/micro/report.html").stat().st_size > 20_000
    assert "\x1b[" not in said  # plain text when piped


def test_running_again_finds_everything_done(finished):
    folder, _ = finished
    before = results_of(folder / "runs")
    again = leaven("run", "micro.yaml", cwd=folder)
    assert again.returncode == 0
    assert "everything is done" in again.stdout
    assert results_of(folder / "runs") == before


def test_what_a_step_is_said_to_read_is_enough(finished, tmp_path):
    from leaven.analyze.divergence import ending
    from leaven.engine.needed import NEEDED
    from leaven.evaluate.subject import Subject

    store = load(str(finished[0] / "micro.yaml"), runs=finished[0] / "runs").store
    steps = {row["names"][0]: store.folder(row["identity"]) for row in store.manifests()}
    stage, tokenizer = steps["text-only/seed-1/cooldown"], steps["tokenizer"]
    for kind in ("evaluate", "verdict"):
        (tmp_path / kind).mkdir()
        for name in NEEDED[kind, "stage"]:
            shutil.copy(stage / name, tmp_path / kind / name)
    assert Subject.load(tmp_path / "evaluate", tokenizer).config == Subject.load(stage, tokenizer).config
    assert ending(tmp_path / "verdict") == ending(stage) is not None


def test_json_plan_status_verdict_why(finished):
    folder, _ = finished
    plan = json.loads(leaven("plan", "micro.yaml", "--json", cwd=folder).stdout)
    assert plan["tokens"] < plan["tokens_without_sharing"]
    status = json.loads(leaven("status", "micro.yaml", "--json", cwd=folder).stdout)
    assert status["done"] == status["steps"]
    verdict = json.loads(leaven("verdict", "micro.yaml", "--json", cwd=folder).stdout)
    assert {row["variant"] for row in verdict["comparisons"]} == {"code→text", "no-code"}
    why = json.loads(
        leaven(
            "why",
            "code→text/seed-1/pretrain",
            "--study",
            "micro.yaml",
            "--set",
            "mixtures.code.synthetic=0.25",
            "--json",
            cwd=folder,
        ).stdout
    )
    assert not why["exists"]
    assert {row["field"] for row in why["differs"]} == {"mixture.synthetic", "mixture.web_code"}


def test_results_are_a_table_from_a_script_without_a_guard_and_from_a_thread(finished):
    folder, _ = finished
    (folder / "script.py").write_text(
        "import threading, leaven\n"
        "study = leaven.load('micro.yaml', settings=['question=Again?'])\n"
        "thread = threading.Thread(target=lambda: print('new', study.run(quiet=True).new))\n"
        "thread.start(); thread.join()\n"
        "print('table', sorted(set(study.results().variant)))\n"
        "print(study.plan())\n",
        encoding="utf-8",
    )
    done = subprocess.run([sys.executable, "script.py"], cwd=folder, capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[:2] == ["new 1", "table ['code→text', 'no-code']"]
    assert any("everything exists already" in line for line in lines)


def test_the_page_follows_the_words_of_its_file(finished):
    folder, _ = finished
    path = folder / "worded.yaml"
    path.write_text("# Said otherwise.\n" + (folder / "micro.yaml").read_text(encoding="utf-8"), encoding="utf-8")
    results = load(str(path), runs=folder / "runs").finished()
    page = results.report()
    assert "Said otherwise." in page.read_text(encoding="utf-8")
    before = page.stat().st_mtime_ns
    assert results.report().stat().st_mtime_ns == before


def test_only_what_depends_on_a_change_runs(finished):
    folder, _ = finished
    study = load(str(folder / "micro.yaml"), settings=["mixtures.code.synthetic=0.25"], runs=folder / "runs")
    graph = study.prepare().graph
    missing = {step.name for step in graph.steps.values() if not study.store.has(step.identity)}
    assert "code→text/seed-1/pretrain" in missing
    assert not {"corpus", "tokenizer", "text-only/seed-1/pretrain", "no-code/seed-2/cooldown"} & missing


def test_ledger_is_the_plan(finished):
    folder, _ = finished
    study = Study(load(str(folder / "micro.yaml")).loaded, folder / "runs")
    for step in study.prepare().graph.of_kind("stage"):
        told = read_json(study.store.folder(step.identity) / "stage.json")
        samples = step.fields["steps"] * step.fields["batch"]
        for source, weight in step.fields["mixture"].items():
            assert abs(told["ledger"][source]["rows"] - weight * samples) < 1
        assert sum(row["tokens"] for row in told["ledger"].values()) == step.tokens


def test_python_api(finished):
    folder, _ = finished
    study = load(str(folder / "micro.yaml"), runs=folder / "runs")
    results = study.run(quiet=True)
    assert results.new == 0
    assert set(results.gains()["variant"]) == {"code→text", "no-code"}
    assert {"variant", "seed", "point", "task", "item", "value"} <= set(results.items().columns)


def test_same_study_elsewhere_gives_the_same_bytes(finished, study_text, tmp_path):
    folder, _ = finished
    (tmp_path / "micro.yaml").write_text(study_text, encoding="utf-8")
    warm(folder, tmp_path / "elsewhere")
    done = leaven("run", "micro.yaml", "--jobs", "1", "--runs", "elsewhere", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    here, there = results_of(folder / "runs"), results_of(tmp_path / "elsewhere")
    # Other tests may have run changed studies in the first store; everything of this study must be equal.
    assert len(there) > 100
    assert there == {name: digest for name, digest in here.items() if name in there}


def test_an_edited_result_is_refused(finished, tmp_path):
    folder, _ = finished
    copy = tmp_path / "copy"
    subprocess.run(["cp", "-r", str(folder), str(copy)], check=True)
    victim = next((copy / "runs/store/steps").glob("*/tokenizer.json"))
    victim.write_text(victim.read_text().replace("}", "} ", 1))
    done = leaven("run", "micro.yaml", cwd=copy)
    assert done.returncode == 2
    assert "tokenizer.json was changed after it was written" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_source_too_small_for_its_budget(study_file, tmp_path):
    done = leaven("run", str(study_file), "--set", "training.repeat=0.1", cwd=tmp_path)
    assert done.returncode == 2
    assert "micro.yaml:" in done.stderr
    assert "repeat: 0.1 allows" in done.stderr
    assert "Nothing was run" in done.stderr


def test_a_failing_step_stops_only_what_depends_on_it(finished, study_file, tmp_path):
    warm(finished[0], tmp_path / "runs")
    setting = "variants.code→text.0={kind: pretrain, tokens: 5120, mixture: code, schedule: {peak: 1.0e+30}}"
    done = leaven("run", str(study_file), "--seeds", "1", "--set", setting, cwd=tmp_path)
    assert done.returncode == 1
    assert "code→text/seed-1/pretrain failed" in done.stderr
    assert "Traceback" not in done.stderr
    status = json.loads(
        leaven("status", str(study_file), "--seeds", "1", "--set", setting, "--json", cwd=tmp_path).stdout
    )
    assert status["kinds"]["evaluate"] == {"steps": 5, "done": 3}


# A shell starts what runs in its background with interrupts ignored, and children inherit that: listen again.
LISTENING = """
import os, signal, sys
signal.signal(signal.SIGINT, signal.SIG_DFL)
os.execv(sys.executable, [sys.executable, *sys.argv[1:]])
"""


def test_interrupt_loses_nothing(study_file, tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-c", LISTENING, *LEAVEN[1:], "run", str(study_file)],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and not list((tmp_path / "runs").glob("store/steps/*")):
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "run again to continue" in said
    assert "Traceback" not in said


def test_two_runs_do_not_collide(study_file, tmp_path):
    first = subprocess.Popen(
        [*LEAVEN, "run", str(study_file)], cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and not (tmp_path / "runs/store/work").exists():
            time.sleep(0.05)
        time.sleep(0.5)
        second = leaven("run", str(study_file), cwd=tmp_path)
        assert second.returncode == 2
        assert "another run is using this store" in second.stderr
    finally:
        os.kill(first.pid, signal.SIGKILL)
        first.wait()
