"""A study like pocket in every respect but size: three sources, two variants, two seeds, seconds."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

STUDY = """\
study: micro
question: Does it run?
corpus:
  corpus: micro
  sources:
    text: {kind: text, path: TEXT, max: 300KB}
    web_code: {kind: web_code, path: CODE, max: 300KB}
    facts: {kind: facts, count: 8, restatements: 20}
    synthetic: {kind: synthetic, count: 120}
  heldout: 0.2
  tokenizer: {vocabulary: 400, sample: 100KB}
model: {size: 0.3m, sequence: 64}
seeds: 2
mixtures:
  prose: {text: 0.9, facts: 0.1}
  code: {web_code: 0.5, synthetic: 0.5}
  mostly_text: {prose: 0.9, code: 0.1}
training:
  batch: 4
  repeat: 40
  curve: 5
  pretrain: {schedule: constant, peak: 0.01, warmup: 4}
  cooldown: {schedule: linear, peak: parent, final: 1e-6}
variants:
  text-only: [pretrain 5120 prose, cooldown 2560 mostly_text]
  code→text: [pretrain 5120 code, cooldown 2560 mostly_text]
  no-code: [pretrain 5120 prose, cooldown 2560 prose]
baseline: text-only
evaluate:
  suite: micro
  items: {continue_text: 8, continue_code: 8, entity_tracking: 8, boolean: 8, arithmetic: 8,
          brackets: 8, indent: 8, programs: 4}
  passage_bytes: 4KB
  prompts: 6
  measures:
    prose bits-per-byte:
      {tasks: [bpb_text], statistic: bits_per_byte, better: lower, effect: relative, margin: 1.0, primary: true}
    code bits-per-byte:
      {tasks: [bpb_web_code], statistic: bits_per_byte, better: lower, effect: relative, margin: 1.0, primary: true}
    fact recall: {tasks: [facts], statistic: accuracy, better: higher, effect: points, margin: 5.0}
    programs: {tasks: [programs], statistic: pass@1, better: higher, effect: points, margin: 5.0}
judge: {kind: reference-likelihood, mixture: mostly_text, tokens: 2560, completion: 8}
"""

WORDS = [
    "the",
    "a",
    "river",
    "house",
    "stone",
    "light",
    "morning",
    "people",
    "walked",
    "over",
    "under",
    "slowly",
    "quiet",
    "bright",
    "water",
    "kept",
    "found",
    "near",
]


def prose(key: int) -> str:
    """A few paragraphs that pass for English to the prose rules."""
    draw = random.Random(key)
    paragraphs = []
    for _ in range(6):
        sentences = [" ".join(draw.choices(WORDS, k=draw.randint(8, 14))).capitalize() + "." for _ in range(6)]
        paragraphs.append(" ".join(sentences))
    return "\n\n".join(paragraphs) + "\n"


def code(key: int) -> str:
    draw = random.Random(key)
    lines = []
    for index in range(12):
        a, b = draw.sample(["left", "right", "count", "total", "index", "value"], 2)
        lines += [
            f"def step_{key}_{index}({a}, {b}):",
            f"    {a} = {a} + {draw.randint(1, 9)}",
            f"    return {a} * {b}",
            "",
        ]
    return "\n".join(lines)


@pytest.fixture(scope="session")
def material(tmp_path_factory) -> Path:
    """Folders `text` and `code` of small documents."""
    folder = tmp_path_factory.mktemp("material")
    for name, suffix, make in (("text", ".txt", prose), ("code", ".py", code)):
        (folder / name).mkdir()
        for key in range(60):
            (folder / name / f"{name}{key:02d}{suffix}").write_text(make(key), encoding="utf-8")
    return folder


@pytest.fixture(scope="session")
def study_text(material) -> str:
    return STUDY.replace("TEXT", str(material / "text")).replace("CODE", str(material / "code"))


@pytest.fixture
def study_file(study_text, tmp_path) -> Path:
    path = tmp_path / "micro.yaml"
    path.write_text(study_text, encoding="utf-8")
    return path
