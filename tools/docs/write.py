"""Write the pages of docs/ that follow from the code, or with --check say which of them are out of date.

    python tools/docs/write.py [--check]        (make references)

Exit code 1 with --check where a page is not what it would be.
"""

from __future__ import annotations

import difflib
import sys
from pathlib import Path

import cli_reference
import decisions_index
import python_reference
import study_reference

DOCS = Path(__file__).parents[2] / "docs"
PAGES = {
    "reference/study.md": study_reference.page,
    "reference/cli.md": cli_reference.page,
    "reference/python.md": python_reference.page,
    "decisions/index.md": decisions_index.page,
}


def main(check: bool) -> int:
    stale = 0
    for name, page in PAGES.items():
        path, text = DOCS / name, page()
        held = path.read_text(encoding="utf-8") if path.exists() else ""
        if held == text:
            continue
        stale += 1
        if check:
            told = difflib.unified_diff(held.splitlines(), text.splitlines(), f"docs/{name}", "as it would be", n=0)
            print(*list(told)[:20], sep="\n")
        else:
            path.write_text(text, encoding="utf-8")
            print(f"wrote docs/{name}")
    if check and stale:
        print(f"{stale} pages of docs/ are out of date: make references")
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main("--check" in sys.argv[1:]))
