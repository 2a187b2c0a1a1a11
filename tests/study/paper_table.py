"""The variants of arXiv 2408.10914 as its text, tables and figures give them: billions of tokens of text and of code in
every stage. Rows: reference/PAPER.md, section 3, which gathers them from sections 2 and 3 and footnote 5 of the paper.

In a cooldown "text" is everything that is not code.
"""

from __future__ import annotations

Budget = tuple[int, int]
"""Text and code, in billions of tokens."""

TEXT_ONLY, BALANCED_ONLY = [(400, 0), (32, 8)], [(200, 200), (32, 8)]
BALANCED_TEXT, CODE_TEXT = [(100, 100), (180, 20), (32, 8)], [(0, 200), (180, 20), (32, 8)]

STUDIES: dict[str, dict[str, list[Budget]]] = {
    "initialization": {
        "text-only": TEXT_ONLY,
        "balanced-only": BALANCED_ONLY,
        "balanced→text": BALANCED_TEXT,
        "code→text": CODE_TEXT,
        "text-only 200B": [(200, 0)],
    },
    "scale": {"balanced-only": BALANCED_ONLY[:1], "balanced→text": BALANCED_TEXT[:2], "code→text": CODE_TEXT[:2]},
    "proportion": {
        "0 %": [(200, 0)],
        "25 %": [(150, 50)],
        "50 %": [(100, 100)],
        "75 %": [(50, 150)],
        "90 %": [(20, 180)],
        "100 %": [(0, 200)],
    },
    "quality": {
        "code": [(0, 200)],
        "code+markup": [(0, 200)],
        "code+adjacent": [(0, 200)],
        "code+synth": [(0, 200)],
        "balanced→text without synthetic": BALANCED_TEXT[:2],
        "balanced+synth→text": BALANCED_TEXT[:2],
    },
    "cooldown": {
        "no cooldown": BALANCED_TEXT[:2],
        "cooldown without code": [*BALANCED_TEXT[:2], (40, 0)],
        "cooldown with code": BALANCED_TEXT,
    },
    "recipe": {
        "text-only": TEXT_ONLY,
        "balanced-only": BALANCED_ONLY,
        "balanced→text": BALANCED_TEXT,
        "code→text": CODE_TEXT,
        "balanced→text init": BALANCED_TEXT[:1],
        "code→text init": CODE_TEXT[:1],
    },
}
STUDIES["paper"] = {
    **STUDIES["recipe"],
    **STUDIES["proportion"],
    **STUDIES["quality"],
    **STUDIES["cooldown"],
    "text-only before cooldown": TEXT_ONLY[:1],
    "balanced-only before cooldown": BALANCED_ONLY[:1],
    "balanced→text before cooldown": BALANCED_TEXT[:2],
    "code→text before cooldown": CODE_TEXT[:2],
}

PARTS = {
    "code→text": {"web_code": 140, "markup": 40, "synthetic": 20},
    "code": {"web_code": 200},
    "code+markup": {"web_code": 160, "markup": 40},
    "100 %": {"web_code": 160, "markup": 40},
    "code+adjacent": {"web_code": 170, "issues": 10, "threads": 10, "notebooks": 10},
    "code+synth": {"web_code": 140, "markup": 40, "synthetic": 20},
    "balanced→text": {"text": 100, "web_code": 70, "markup": 20, "synthetic": 10},
    "balanced→text without synthetic": {"text": 100, "web_code": 80, "markup": 20},
    "50 %": {"text": 100, "web_code": 80, "markup": 20},
}
"""Billions of tokens of each source in the first stage: a fifth of markup, a tenth of synthetic and 15 % of adjacent
data (PAPER.md, sections 1.5 and 1.6); that synthetic data displaces web code alone is note (e) of section 3."""

SAME = [
    # Table 2's code init is figure 5a's code+synth: note (a).
    ("code→text/pretrain", "code→text init/pretrain", "code+synth/pretrain", "code→text before cooldown/pretrain"),
    # Figure 4 at 100 % is figure 5a's code+markup: note (b).
    ("100 %/pretrain", "code+markup/pretrain"),
    # Balanced→text is figure 5b's balanced+synth→text, and what figure 6 begins from: note (c).
    ("balanced→text/continue", "balanced+synth→text/continue", "no cooldown/continue", "cooldown with code/continue"),
    ("balanced→text/cooldown", "cooldown with code/cooldown"),
    ("balanced→text/pretrain", "balanced→text init/pretrain", "cooldown without code/pretrain"),
    # The sweep at 50 % is what the recipe without synthetic data begins from.
    ("50 %/pretrain", "balanced→text without synthetic/pretrain"),
    ("text-only/pretrain", "text-only before cooldown/pretrain"),
    ("balanced-only/pretrain", "balanced-only before cooldown/pretrain"),
]
"""Stages of the grid that are one step, and what says so."""

APART = [
    # Table 2's balanced init holds synthetic data, the sweep at 50 % does not: note (d).
    ("balanced→text/pretrain", "50 %/pretrain"),
    ("balanced→text/continue", "balanced→text without synthetic/continue"),
    ("balanced→text/cooldown", "cooldown without code/cooldown"),
    ("text-only/pretrain", "0 %/pretrain"),
    ("code/pretrain", "code+markup/pretrain"),
]
