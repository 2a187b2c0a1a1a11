"""Colours, once: what the drawings use, and what the page calls them in light and in dark.

A drawing is made in the light colours. In the page each of them becomes a variable of the style sheet, so a figure
follows the reader's scheme. No meaning is carried by colour alone: verdicts have a sign and a word, lines have a
marker, bars have a label. Hues follow Okabe & Ito, "Color Universal Design" (2008), darkened where white
paper asks for contrast.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

NEUTRAL = {
    "ink": ("#1b2128", "#e7eaee"),
    "soft": ("#56616c", "#a3adb8"),
    "faint": ("#98a3ad", "#68737e"),
    "line": ("#dfe4e8", "#2f363e"),
    "band": ("#edf0f3", "#232a31"),
    "paper": ("#fefefe", "#14181c"),
}
VERDICT = {
    "better": ("#0868ac", "#62b3ec"),
    "worse": ("#bf4508", "#ff945c"),
    "equivalent": ("#5a6672", "#b3bdc7"),
    "unresolved": ("#7c6a1c", "#d8c15c"),
}
SERIES = (
    ("#1b2129", "#e7eaef"),
    ("#0a72b3", "#5cb2ea"),
    ("#d15a02", "#ff9550"),
    ("#00896b", "#35c9a2"),
    ("#a8488a", "#e797cd"),
    ("#9a6b00", "#e5b13a"),
    ("#4a55c4", "#a0a8ff"),
    ("#7a4b2b", "#cf9b77"),
)
TINTS = (
    ("#cfe3f3", "#1f3d55"),
    ("#f8d9c0", "#5a3415"),
    ("#cdebdf", "#164638"),
    ("#efd3e6", "#54284a"),
    ("#f5e6b8", "#4f3f10"),
    ("#d8daf6", "#30346b"),
    ("#e6d8cc", "#46342a"),
    ("#d9dee3", "#363e46"),
)
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "p")

SIGNS = {"better": "▲", "worse": "▼", "equivalent": "=", "unresolved": "?"}


@dataclass(frozen=True)
class Look:
    """How one variant is drawn: `color` and `marker` in drawings, `name` of its variable in the page."""

    color: str
    marker: str
    name: str


def looks(names: Sequence[str]) -> dict[str, Look]:
    """One look per name, by position; the ninth repeats the first colour with another marker."""
    made = {}
    for index, name in enumerate(names):
        lap, hue = divmod(index, len(SERIES))
        made[name] = Look(SERIES[hue][0], MARKERS[(hue + lap * 3) % len(MARKERS)], f"series-{hue}")
    return made


def tints(names: Sequence[str]) -> dict[str, tuple[str, str]]:
    """A background colour and the name of its variable for each source, by position."""
    return {name: (TINTS[i % len(TINTS)][0], f"tint-{i % len(TINTS)}") for i, name in enumerate(names)}


def verdict_color(verdict: str) -> str:
    return VERDICT.get(verdict, VERDICT["unresolved"])[0]


def verdict_marker(verdict: str) -> tuple[str, bool]:
    """Marker of a verdict and whether it is filled."""
    return {
        "better": ("o", True),
        "worse": ("o", True),
        "equivalent": ("s", True),
    }.get(verdict, ("o", False))


def _named() -> dict[str, tuple[str, str]]:
    return {
        **NEUTRAL,
        **VERDICT,
        **{f"series-{i}": pair for i, pair in enumerate(SERIES)},
        **{f"tint-{i}": pair for i, pair in enumerate(TINTS)},
    }


def variables() -> dict[str, str]:
    """Light colour → name of its variable. Light colours are distinct, so the way back is unique."""
    return {light: name for name, (light, _) in _named().items()}


def style() -> str:
    """The variables as CSS: light, dark by preference, light on paper."""
    light = "".join(f"--{name}:{pair[0]};" for name, pair in _named().items())
    dark = "".join(f"--{name}:{pair[1]};" for name, pair in _named().items())
    return (
        f":root{{color-scheme:light dark;{light}}}\n@media screen and (prefers-color-scheme:dark){{:root{{{dark}}}}}\n"
    )
