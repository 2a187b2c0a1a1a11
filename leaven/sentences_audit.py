"""What `leaven audit` prints, as lines: the data comes from `leaven.audit`, the words are here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leaven.analyze.published.paper_claims import TOPICS
from leaven.analyze.published.paper_readings import NOT, OTHERWISE, REPRODUCES, reading_words, sides, told
from leaven.columns import table, width, wrapped

if TYPE_CHECKING:
    from leaven.analyze.published.paper_readings import Judged
    from leaven.audit import Audit

SHORT = {REPRODUCES: "reproduces", OTHERWISE: "from others", NOT: "does not"}


def audit_lines(found: Audit) -> list[str]:
    """A table for each part of the paper, what does not come out as stated in words, then the weak points."""
    lines: list[str] = []
    for topic in TOPICS:
        here = [each for each in found.figures if each.claim.topic == topic]
        rows = [
            [each.printed, sides(each.figure), each.figure.category, _stated(each), SHORT[each.verdict]]
            for each in here
        ]
        head = ["printed", "of what, by the text", "on", "from the scores", "verdict"]
        lines += [f"{topic}", *table(head, rows, numbers=(0, 3), most=width()), ""]
        lines += [line for each in here if each.why or each.notes for line in _words(each)]
        lines += [""] if any(each.why or each.notes for each in here) else []
    lines.append("what the scores do not carry")
    for point in found.weak_points:
        lines += wrapped("  · ", point.says.split(" "), joint=" ", most=width())
    counts = found.counts
    parts = [
        f"{counts[REPRODUCES]} of {sum(counts.values())} printed figures reproduce as stated",
        f"{counts[OTHERWISE]} from other numbers than the text names",
        f"{counts[NOT]} from none",
    ]
    return [*lines, "", *wrapped("in all  ", parts, most=width())]


def _stated(each: Judged) -> str:
    return "–" if each.stated is None else told(each.stated, each.claim.unit)


def _words(each: Judged) -> list[str]:
    """What stands against a figure, what it is of, and what should be known beside it."""
    parts = [each.why] if each.why else []
    parts += [reading_words(reading, each.claim.unit) for reading in each.found]
    if each.why and not each.found:
        parts.append(f"no other reading fits, of {each.tried} tried" if each.tried else "there is no other reading")
    elif each.by_chance >= 0.005:
        parts.append(f"{each.tried} readings tried, {each.by_chance:.2f} would fit by chance")
    return wrapped(f"  {each.printed}  ", "; ".join((*parts, *each.notes)).split(" "), joint=" ", most=width())
