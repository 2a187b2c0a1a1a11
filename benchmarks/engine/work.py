"""Work for the engine's benchmarks: a thousand tiny steps, a micro study, and steps that only wait.

Everything is made here; nothing of the computer is read.
"""

from __future__ import annotations

import random
from pathlib import Path

from leaven.engine.prepare import Prepared
from leaven.lab import Study
from leaven.study.load import load
from leaven.study.step import Graph

WORDS = "the a river house stone light morning people walked over under slowly quiet bright water kept found near"
STUDY = """\
study: micro
question: How long does the engine take over it?
corpus:
  corpus: micro
  sources:
    text: {kind: text, path: TEXT, max: 300KB}
    code: {kind: web_code, path: CODE, max: 300KB}
  heldout: 0.2
  tokenizer: {vocabulary: 400, sample: 100KB}
model: {size: 0.3m, sequence: 64}
seeds: 3
mixtures:
  prose: {text: 1.0}
  source: {code: 1.0}
  mostly_text: {prose: 0.9, source: 0.1}
training:
  batch: 8
  repeat: 1000
  curve: 5
  pretrain: {schedule: constant, peak: 0.01, warmup: 4}
  cooldown: {schedule: linear, peak: parent, final: 1e-6}
variants:
  text-only: [pretrain TOKENS prose, cooldown TOKENS mostly_text]
  code→text: [pretrain TOKENS source, cooldown TOKENS mostly_text]
  no-code: [pretrain TOKENS prose, cooldown TOKENS prose]
baseline: text-only
evaluate:
  suite: micro
  items: {continue_text: 8, continue_code: 8, boolean: 8, arithmetic: 8, programs: 4}
  passage_bytes: 4KB
  measures:
    prose bits-per-byte:
      {tasks: [bpb_text], statistic: bits_per_byte, better: lower, effect: relative, margin: 1.0, primary: true}
    programs: {tasks: [programs], statistic: pass@1, better: higher, effect: points, margin: 5.0}
"""


def prose(key: int) -> str:
    """A few paragraphs that pass for English to the rules for prose."""
    draw = random.Random(key)
    sentences = [" ".join(draw.choices(WORDS.split(), k=draw.randint(8, 14))).capitalize() + "." for _ in range(36)]
    return "\n\n".join(" ".join(sentences[at : at + 6]) for at in range(0, 36, 6)) + "\n"


def program(key: int) -> str:
    draw = random.Random(key)
    lines = []
    for index in range(12):
        one, two = draw.sample(["left", "right", "count", "total", "index", "value"], 2)
        lines += [
            f"def step_{key}_{index}({one}, {two}):",
            f"    {one} += {draw.randint(1, 9)}",
            f"    return {one} * {two}",
            "",
        ]
    return "\n".join(lines)


def study(folder: Path, runs: Path, tokens: int = 51_200) -> Study:
    """The micro study over documents below `folder`, which are made if they are not there. `tokens`: of each stage."""
    for name, suffix, make in (("text", ".txt", prose), ("code", ".py", program)):
        (folder / name).mkdir(parents=True, exist_ok=True)
        for key in range(60):
            (folder / name / f"{key:02d}{suffix}").write_text(make(key), encoding="utf-8")
    text = STUDY.replace("TEXT", str(folder / "text")).replace("CODE", str(folder / "code"))
    (folder / "micro.yaml").write_text(text.replace("TOKENS", str(tokens)), encoding="utf-8")
    return Study(load(str(folder / "micro.yaml")), runs)


def tiny(prepared: Prepared, count: int) -> Graph:
    """One `read` step of a study and `count` steps that select from it, each up to another number of bytes."""
    read = next(step for step in prepared.graph.of_kind("read") if step.fields["kind"] == "text")
    source = next(step for step in prepared.graph.of_kind("source") if step.inputs["read"] == read.identity)
    graph = Graph()
    parent = graph.add("read", read.name, read.fields, {}, read.execution)
    for number in range(count):
        fields = {**source.fields, "max": 10_000 + number}
        graph.add("source", f"source/{number}", fields, {"read": parent}, source.execution)
    return graph
