"""What MBPP's task files need beyond a template: the test split, and programs as Python reads them."""

from __future__ import annotations

from typing import Any

FIRST, LAST = 11, 510
"""Task ids of the test split, as MBPP's authors give them."""


def test_split(documents: Any) -> Any:
    """The documents of the test split, with `tests` (set-up and assertions) and with Unix line ends.

    Args:
        documents: a `datasets.Dataset` of text, code, task_id, test_setup_code and test_list.
    """
    return documents.filter(lambda row: FIRST <= row["task_id"] <= LAST).map(_readable)


def _readable(row: dict[str, Any]) -> dict[str, Any]:
    setup = (row.get("test_setup_code") or "").replace("\r\n", "\n").rstrip("\n")
    return {
        "code": row["code"].replace("\r\n", "\n").replace("\r", "\n"),
        "tests": "\n".join([*([setup] if setup else []), *row["test_list"]]).replace("\r", "") + "\n",
    }
