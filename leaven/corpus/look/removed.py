"""Why documents of a source are not in the corpus, in the order in which they were lost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

CAP = "beyond the cap"
LICENCE, LANGUAGE = "licence: ", "language: "
"""How reasons of the source step that are no rule's begin."""
ALIKE = {
    "duplicates": "of the same source",
    "cross_source_duplicates": "of another source",
    "heldout_overlap": "of a held-out document",
}
GROUPS = (
    "unreadable",
    "extraction",
    "rules",
    "licence",
    "language",
    "cap",
    "exact duplicates",
    "near-duplicates",
    "contamination",
)
"""Names of the groups. Files are unreadable; documents are dropped or capped; pieces of documents are duplicates."""


def removed(read: Mapping[str, Any], source: Mapping[str, Any], counts: Mapping[str, int]) -> dict[str, dict[str, int]]:
    """Group → reason → how many, without what did not happen.

    Args:
        read, source: reports of the steps, empty where they have not been built.
        counts: of the source in the corpus step's report, empty likewise.
    """
    found: dict[str, dict[str, int]] = {group: {} for group in GROUPS}
    found["unreadable"] = dict(read.get("skipped", {}))
    found["extraction"] = dict(read.get("dropped", {}))
    for reason, many in (Counter(source.get("dropped", {})) - Counter(read.get("dropped", {}))).items():
        group, shown = group_of(reason)
        found[group][shown] = many
    found["cap"] = {CAP: source.get("beyond_cap", 0)}
    for prefix, group in (("", "exact duplicates"), ("near_", "near-duplicates")):
        found[group] = {shown: counts.get(f"{prefix}{key}_removed", 0) for key, shown in ALIKE.items()}
    found["contamination"] = {"holds an evaluation item": counts.get("contaminated_removed", 0)}
    for group, reasons in found.items():
        found[group] = dict(sorted(((r, n) for r, n in reasons.items() if n), key=lambda row: (-row[1], row[0])))
    return {group: reasons for group, reasons in found.items() if reasons}


def group_of(reason: str) -> tuple[str, str]:
    """The group of a reason of the source step, and the reason within it."""
    if reason == CAP:
        return "cap", reason
    for start, group in ((LICENCE, "licence"), (LANGUAGE, "language")):
        if reason.startswith(start):
            return group, reason.removeprefix(start)
    return "rules", reason
