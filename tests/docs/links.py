"""Links and headings of a Markdown page, as the site and the forges resolve them."""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path

LINK = re.compile(r"(?<!\!)\[(?:[^\[\]]|\[[^\]]*\])*\]\(([^)\s]+)\)|!\[[^\]]*\]\(([^)\s]+)\)")


def text_of(path: Path) -> str:
    """A page without its code."""
    text = re.sub(r"^( *)```.*?^\1```$", "", path.read_text(encoding="utf-8"), flags=re.M | re.S)
    return re.sub(r"`[^`\n]*`", "`code`", text)


def links(path: Path) -> list[str]:
    return [one or two for one, two in LINK.findall(text_of(path))]


def anchors(path: Path) -> set[str]:
    """Ids of the headings, as Python-Markdown makes them."""
    text = re.sub(r"^( *)```.*?^\1```$", "", path.read_text(encoding="utf-8"), flags=re.M | re.S)
    found: set[str] = set()
    for heading in re.findall(r"^#+ (.+)$", text, flags=re.M):
        plain = unicodedata.normalize("NFKD", heading.replace("`", "")).encode("ascii", "ignore").decode()
        plain = re.sub(r"[^\w\s-]", "", plain).strip().lower()
        base = re.sub(r"[-\s]+", "-", plain)
        name, number = base, 0
        while name in found:
            number += 1
            name = f"{base}_{number}"
        found.add(name)
    return found
