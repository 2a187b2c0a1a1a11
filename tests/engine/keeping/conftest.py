"""Small stores with finished steps of made-up studies."""

from __future__ import annotations

import pytest

from leaven.engine.keeping.records import remember
from leaven.engine.store import Store
from leaven.study.step import Graph

FINISHED = "2026-01-01T00:00:00Z"


class Shop:
    """A store and its runs folder. Studies with the same corpus share its steps."""

    def __init__(self, runs, store=None):
        self.runs = runs
        self.store = store or Store(runs / "store")
        self.store.prepare()

    def study(self, name="micro", *, corpus=1, seeds=2, kept=True, finished=FINISHED, folder=True):
        """Publish a study: corpus → tokenizer → a stage a seed → verdict. Its graph."""
        graph = Graph()
        text = graph.add("corpus", "corpus", {"size": corpus}, {})
        tokenizer = graph.add("tokenizer", "tokenizer", {"vocabulary": 300}, {"corpus": text})
        stages = {}
        for seed in range(1, seeds + 1):
            fields, inputs = {"seed": seed, "steps": 1, "batch": 1, "sequence": 1}, {"tokenizer": tokenizer}
            stages[f"stage:{seed}"] = graph.add("stage", f"base/seed-{seed}/pretrain", fields, inputs)
        graph.add("verdict", "verdict", {"study": name}, stages)
        if kept:
            remember(self.store, name, graph.steps.values(), {"question": "?", "sizes": ["0.3m"], "seeds": [1]})
        for step in graph.steps.values():
            if not self.store.has(step.identity):
                self.publish(step, finished)
        if folder:
            home = self.runs / name
            (home / "data").mkdir(parents=True, exist_ok=True)
            (home / "study.yaml").write_text(f"study: {name}\n")
            (home / "report.html").write_text(f"<p>{name}, {seeds} seeds</p>")
            (home / "report.key").write_text("key")
            (home / "wall.json").write_text('{"seconds": 1.0}')
            rows = "".join(f"{step.identity}\n" for step in graph.of_kind("stage"))
            (home / "data" / "stages.csv").write_text(f"identity\n{rows}")
            rows = "".join(f"{step.name},{step.identity}\n" for step in graph.steps.values())
            (home / "data" / "steps.csv").write_text(f"name,identity\n{rows}")
        return graph

    def publish(self, step, finished=FINISHED):
        out, _ = self.store.begin(step.identity)
        (out / "deep").mkdir()
        (out / "deep" / "result.bin").write_bytes(step.identity.encode() * 100)
        (out / "told.json").write_text("{}")
        self.store.publish(step, {"seconds": 1.0, "finished": finished})
        self.store.log(step.identity).write_text("said\n")

    def there(self):
        return {path.name for path in self.store.steps.iterdir()}


@pytest.fixture(scope="session")
def shop_class():
    return Shop


@pytest.fixture
def make_shop(tmp_path):
    return lambda name="runs", store=None: Shop(tmp_path / name, store)


@pytest.fixture
def shop(make_shop):
    return make_shop()
