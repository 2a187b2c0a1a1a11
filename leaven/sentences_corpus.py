"""What `leaven corpus` prints, as lines: the data comes from `corpora`, the words are here.

Paths, ids, licences and texts are whatever somebody wrote: every line goes through `visible` before it is printed.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from leaven.columns import table, wrapped
from leaven.corpus.look.visible import cut, first_lines, last_lines, visible
from leaven.report.words import amount, count, number, percent, size

Row = Mapping[str, Any]
SHOWN = 12
"""Rows of a table of languages or licences, where all sources are shown."""
MEMBERS = 6
"""Documents shown of a cluster."""
OWN = {"train": "in the training part", "heldout": "held out", "removed": "removed when the corpus was assembled"}
MARGIN = "  "
LONGEST_ID = 500
"""Columns of an id: more than a terminal's, so that it can be copied whole."""


def say(lines: Iterable[str]) -> None:
    """Print lines, and nothing in them that a reader could not see."""
    for line in lines:
        print(visible(line))


def say_json(data: Any) -> None:
    """Data for programs; in ASCII, so that no text of a document acts on a terminal it is printed to."""
    print(json.dumps(data, indent=1))


def overview(found: Row, most: int) -> list[str]:
    """A table of all sources."""
    rows = []
    totals = dict.fromkeys(("documents", "bytes", "tokens", "heldout", "removed"), 0)
    for name, row in found["sources"].items():
        train, heldout = row.get("train", {}), row.get("heldout", {})
        kept = train or row.get("kept", {})
        lost = sum(sum(reasons.values()) for reasons in row["removed"].values())
        for key, value in (
            ("documents", kept.get("documents")),
            ("bytes", kept.get("bytes")),
            ("tokens", train.get("tokens")),
            ("heldout", heldout.get("documents")),
            ("removed", lost),
        ):
            totals[key] += value or 0
        rows.append(
            [
                name,
                _many(kept.get("documents")),
                size(kept.get("bytes")),
                amount(train.get("tokens")),
                number(row.get("bytes_per_token"), 2),
                _many(heldout.get("documents")),
                _many(lost),
                "" if train else "not assembled" if kept else "read" if "seen" in row else "not built",
            ]
        )
    if len(rows) > 1:
        ratio = totals["bytes"] / totals["tokens"] if totals["tokens"] else None
        middle = [size(totals["bytes"]), amount(totals["tokens"] or None), number(ratio, 2)]
        rows.append(
            ["all", _many(totals["documents"]), *middle, _many(totals["heldout"]), _many(totals["removed"]), ""]
        )
    head = ["source", "documents", "bytes", "tokens", "bytes/token", "held out", "left out", ""]
    return table(head, rows, numbers=range(1, 7), most=most)


def _many(value: Any) -> str:
    return "–" if value is None else f"{value:,}"


def stats_lines(found: Row, most: int, *, every: bool = False) -> list[str]:
    """Counts of a corpus: all sources in one table, then each by itself.

    Args:
        every: all languages and licences, not only the first.
    """
    lines = wrapped("corpus    ", [found["corpus"], *([found["note"]] if found["note"] else [])], most=most)
    lines += ["", *overview(found, most)]
    if found["clusters"] is not None:
        lines += ["", f"near-duplicates  {count(found['clusters'], 'cluster')} of two or more"]
    lines += _contamination_lines(found["contamination"], most)
    if found["cut"]:
        lines += [
            "",
            f"Documents of more than {found['cut']:,} characters are cut; once assembled, pieces are counted.",
        ]
    for name, row in found["sources"].items():
        lines += ["", *_source_lines(name, row, most, every)]
    return lines


def _source_lines(name: str, row: Row, most: int, every: bool) -> list[str]:
    lines = wrapped(name, [f"  {row.get('note') or ''}"], most=most)
    if "files" in row:
        capped = ", as many as its cap allows" if row.get("kept", {}).get("capped") else ""
        kept = (
            f"; kept {_many(row['kept']['documents'])} ({size(row['kept']['bytes'])}){capped}" if "kept" in row else ""
        )
        lines.append(f"{MARGIN}read      {count(row['files'], 'file')}, {count(row['seen'], 'document')}{kept}")
    for side, words in (("train", "training"), ("heldout", "held out")):
        if side in row:
            tokens = f", {amount(row[side]['tokens'])} tokens" if "tokens" in row[side] else ""
            lines.append(f"{MARGIN}{words:<9} {_many(row[side]['documents'])} ({size(row[side]['bytes'])}{tokens})")
    lines += _removed_lines(row["removed"], most)
    if row["redacted"]:
        parts = [f"{word} {many:,}" for word, many in row["redacted"].items()]
        lines += wrapped(f"{MARGIN}redacted  ", parts, most=most)
    if row.get("languages"):
        lines += _language_lines(row, most, every)
    if row.get("licences"):
        lines += _licence_lines(row, most, every)
    return lines


def _removed_lines(removed: Mapping[str, Mapping[str, int]], most: int) -> list[str]:
    lines: list[str] = []
    for group, reasons in removed.items():
        head = f"{MARGIN}{'left out' if not lines else '':<9} {group:<17} {sum(reasons.values()):>9,}  "
        lines += wrapped(head, [f"{reason} {many:,}" for reason, many in reasons.items()], most=most)
    return lines


def _language_lines(row: Row, most: int, every: bool) -> list[str]:
    rows = row["languages"]
    paper = any(language["paper"] is not None for language in rows)
    shown = rows if every else rows[:SHOWN]
    cells = [
        [
            f"{MARGIN}{language['language']}",
            _many(language["documents"]),
            percent(language["share"]),
            *([percent(language["paper"], 2)] if paper else []),
            size(language["bytes"]),
            _many(language["seen"]),
        ]
        for language in shown
    ]
    head = [f"{MARGIN}language", "documents", "share", *(["in the paper"] if paper else []), "bytes", "read"]
    lines = ["", *table(head, cells, numbers=range(1, len(head)), most=most)]
    lines += _others(rows[len(shown) :], "language")
    if paper and row["absent_languages"]:
        lines += wrapped(f"{MARGIN}none of the paper's ", row["absent_languages"], joint=", ", most=most)
    return lines


def _licence_lines(row: Row, most: int, every: bool) -> list[str]:
    classes = [f"{name} {_many(of['documents'])}" for name, of in row["licence_classes"].items()]
    shown = row["licences"] if every else row["licences"][:SHOWN]
    cells = [
        [f"{MARGIN}{licence['licence']}", licence["class"], _many(licence["documents"]), size(licence["bytes"])]
        for licence in shown
    ]
    lines = ["", *wrapped(f"{MARGIN}licences  ", classes, most=most)]
    lines += table([f"{MARGIN}licence", "class", "documents", "bytes"], cells, numbers=(2, 3), most=most)
    return lines + _others(row["licences"][len(shown) :], "licence")


def _others(rows: Sequence[Row], what: str) -> list[str]:
    if not rows:
        return []
    return [f"{MARGIN}… {count(len(rows), f'other {what}')}, {_many(sum(row['documents'] for row in rows))} documents"]


def _contamination_lines(tasks: Mapping[str, Row], most: int) -> list[str]:
    if not tasks:
        return ["", "evaluation items  no task's items were looked for: none can be called clean"]
    rows = [
        [task, _many(row["items"]), _many(row["matched"]), _many(row["documents"]), _many(row["unsearched"])]
        for task, row in tasks.items()
    ]
    head = ["evaluation task", "items", "found", "documents left out", "too short to look for"]
    return ["", *table(head, rows, numbers=(1, 2, 3, 4), most=most)]


def sweep_lines(found: Mapping[str, Mapping[str, Sequence[Row]]], most: int) -> list[str]:
    """What other thresholds would keep: key → source → rows."""
    lines = []
    for key, sources in found.items():
        for source, rows in sources.items():
            now = rows[0]["documents"]
            cells = [
                [
                    f"{MARGIN}{_value(row['value']) if place else 'now'}",
                    _many(row["documents"]),
                    f"{row['documents'] - now:+,}" if place else "",
                    size(row["bytes"]),
                    "more than its cap" if row["beyond_cap"] else "",
                ]
                for place, row in enumerate(rows)
            ]
            head = [f"{MARGIN}value", "documents", "change", "bytes", ""]
            lines += wrapped(f"{source}: {key}, now ", [_value(rows[0]["value"])], most=most)
            lines += [*table(head, cells, numbers=(1, 2, 3), most=most), ""]
    return lines[:-1]


def _value(value: Any) -> str:
    return f"{value:g}" if isinstance(value, int | float) else str(value)


def inspect_lines(found: Row, most: int) -> list[str]:
    """What was left out of a source and why."""
    lines = wrapped(f"{found['source']:<10}", [found["corpus"], found.get("note") or ""], most=most)
    lines.append(
        f"{'read':<10}{count(found['seen'], 'document')}, {_many(found['kept']['documents'])} kept by its rules"
    )
    for group in ("unreadable", "extraction", "exact duplicates", "near-duplicates", "contamination"):
        reasons = found["removed"].get(group, {})
        if reasons:
            lines += wrapped(f"{group:<18}", [f"{reason} {many:,}" for reason, many in reasons.items()], most=most)
    if found["drops"]:
        cells = [
            [row["reason"], _many(row["documents"]), percent(row["share"]), size(row["bytes"]), row["example"]]
            for row in found["drops"]
        ]
        lines += [
            "",
            *table(["left out for", "documents", "share", "bytes", "for example"], cells, numbers=(1, 2, 3), most=most),
        ]
    if found["rules"]:
        lines += ["", *(cut(f"ruleset {version}: {said}", most) for version, said in found["rules"].values())]
        cells = [
            [f"{MARGIN}{name}", _value(value), "set here" if name in found["changed"] else ""]
            for name, value in found["thresholds"].items()
        ]
        lines += table([f"{MARGIN}threshold", "value", ""], cells, most=most)
    lines += _cluster_lines(found["clusters"], most)
    if found["contamination"] is not None:
        lines += _contamination_lines(found["contamination"], most)
        for task, row in found["contamination"].items():
            if row["here"]:
                lines.append(f"{task}: {count(row['here'], 'match', 'matches')} in this source, among them")
                lines += [cut(f"{MARGIN}item {item} in {document}", most) for item, document in row["matches"]]
    return lines


def _cluster_lines(clusters: Sequence[Row] | None, most: int) -> list[str]:
    if clusters is None:
        return ["", "The corpus is not assembled: nothing is known of duplicates."]
    if not clusters:
        return ["", "None of the largest clusters of near-duplicates holds a document of this source."]
    lines = ["", "largest clusters of near-duplicates, the one that stays first"]
    for row in clusters:
        for place, document in enumerate(row["documents"][:MEMBERS]):
            lines.append(cut(f"{MARGIN}{'' if place else row['size']:>6}  {document}", most))
        if row["size"] > MEMBERS:
            lines.append(f"{MARGIN}{'':>6}  … {row['size'] - MEMBERS:,} more")
    return lines


def document_lines(found: Row, most: int, *, text: int = 12, judged: bool = True) -> list[str]:
    """What is known of one document.

    Args:
        text: lines of it shown from its beginning; half as many from its end.
        judged: each score beside its threshold, too.
    """
    lines = [cut(found["id"], LONGEST_ID), *_facts(found, most)]
    lines.append(f"{MARGIN}{verdict(found)}")
    if judged:
        lines += _judged_lines(found["conditions"], most)
        lines += _cluster_lines(found["clusters"], most) if found.get("clusters") else []
        for task, items in found.get("items", {}).items():
            lines += wrapped(f"{MARGIN}holds items of {task}: ", items, joint=", ", most=most)
        lines.append("")
    return lines + text_lines(found["text"], most, text)


def _facts(found: Row, most: int) -> list[str]:
    names = ("repository", "licence", "language", "group")
    parts = [f"{name} {found[name]}" for name in names if found[name] and found[name] != found["id"]]
    parts += [f"{name} {value}" for name, value in found["labels"].items()]
    path = [f"path {found['path']}"] if found["path"] != found["id"] else []
    return wrapped(MARGIN, [size(found["bytes"]), *path, *(cut(part, most - 4) for part in parts)], most=most)


def verdict(found: Row) -> str:
    """What became of a document, in a line."""
    also = f" (also refused by {', '.join(found['also'])})" if found["also"] else ""
    if found["fate"] == "dropped":
        return f"left out: {found['reason']}{also}"
    if found["fate"] == "kept":
        return "kept; the corpus is not assembled yet"
    pieces = f", in {len(found['placed'])} pieces" if len(found["placed"]) > 1 else ""
    return "kept by its rules; " + " and ".join(OWN[word] for word in found["fate"].split(" and ")) + pieces


def _judged_lines(conditions: Sequence[Row], most: int) -> list[str]:
    cells = [
        [
            f"{MARGIN}{row['reason']}",
            row["score"],
            _compared(row["value"]),
            row["sign"],
            _compared(row["limit"]),
            row["threshold"].partition(".")[2],
            "refuses" if row["refused"] else "",
        ]
        for row in conditions
        if row["speaks"]
    ]
    if not cells:
        return []
    head = [f"{MARGIN}left out by rule", "if its", "value", "", "is", "threshold", ""]
    speaking = {row["reason"] for row in conditions if row["speaks"]}
    others = len({row["reason"] for row in conditions} - speaking)
    spared = [f"{MARGIN}{count(others, 'rule')} for other languages only"] if others else []
    return ["", *table(head, cells, numbers=(2, 4), most=most), *spared]


def _compared(value: float | None) -> str:
    return "–" if value is None else f"{value:.4g}" if value != int(value) else f"{int(value):,}"


def text_lines(text: str, most: int, lines: int) -> list[str]:
    """The first lines of a text, and the last where there are more."""
    total = text.rstrip().count("\n") + 1
    first = first_lines(text, lines if total <= lines else lines - lines // 3, most - 4)
    if total <= lines:
        return [f"{MARGIN}│ {line}" for line in first]
    rest = last_lines(text, lines // 3, most - 4)
    between = f"{MARGIN}⋮ {count(total - len(first) - len(rest), 'line')} more"
    return [*(f"{MARGIN}│ {line}" for line in first), between, *(f"{MARGIN}│ {line}" for line in rest)]


def sample_lines(found: Row, most: int) -> list[str]:
    """Random documents, each with what became of it."""
    lines = [f"{count(len(found['documents']), 'document')} of {_many(found['of'])} of source {found['source']}"]
    for document in found["documents"]:
        lines += ["", *document_lines(document, most, text=9, judged=False)]
    return lines


def token_lines(found: Row, most: int) -> list[str]:
    """The document of a token, and the text around it."""
    where = f"token {found['token']:,} of {found['split']} is number {found['place'] + 1:,} of {found['tokens']:,} of"
    lines = [where, *document_head(found, most)]
    shown = found["here"] or "end of text"
    lines.append(f"{MARGIN}id {found['id_of_token']}: {cut(repr(shown)[1:-1] if found['here'] else shown, most - 20)}")
    before = found["before"].split("\n")[-4:]
    after = found["after"].split("\n")[:4]
    lines += [f"{MARGIN}│ {cut(line, most - 4)}" for line in before[:-1]]
    mark = f"{before[-1]}⟦{found['here'] or '∎'}⟧{after[0]}".split("\n")
    lines += [f"{MARGIN}│ {cut(line, most - 4)}" for line in (*mark, *after[1:])]
    return lines


def document_head(found: Row, most: int) -> list[str]:
    """Where a document is from."""
    lines = [cut(f"{MARGIN}{found['source']}: {found['id']}", LONGEST_ID), *_facts(found, most)]
    scores = [
        f"{name} {_compared(value)}" for name, value in found["scores"].items() if value is not None and value == value
    ]
    return lines + (wrapped(f"{MARGIN}scores  ", scores, most=most) if scores else [])


def diff_lines(found: Row, most: int) -> list[str]:
    """Two corpora beside each other."""
    a, b = "a", "b"
    lines = [f"a  {found['a']}", f"b  {found['b']}"]
    if found["same"]:
        lines.append("They are assembled from the same steps: the same documents.")
    if found["fields"]:
        cells = [[row["field"], _field(row["a"]), _field(row["b"])] for row in found["fields"]]
        lines += ["", *table(["field", a, b], cells, most=most)]
    for side in ("a", "b"):
        if found[f"only_{side}"]:
            lines += ["", *wrapped(f"sources only in {side}  ", found[f"only_{side}"], most=most)]
    cells = []
    for name, row in found["sources"].items():
        own = row["documents"]
        words = [f"{_many(own[key]['documents'])} ({size(own[key]['bytes'])})" for key in ("only_a", "only_b", "both")]
        cells.append([name, *words, *(amount(value) for value in row["train"]["tokens"])])
    if cells:
        head = ["source", "only in a", "only in b", "in both", "tokens a", "tokens b"]
        lines += ["", *table(head, cells, numbers=range(1, 6), most=most)]
    for name, row in found["sources"].items():
        lines += _shift_lines(name, row, most)
    return lines


def _shift_lines(name: str, row: Row, most: int) -> list[str]:
    lines = []
    if row["languages"]:
        cells = [[f"{MARGIN}{word}", percent(a), percent(b)] for word, a, b in row["languages"][:SHOWN]]
        lines += ["", *table([f"{name}: language", "share in a", "in b"], cells, numbers=(1, 2), most=most)]
    if row["removed"]:
        cells = [[f"{MARGIN}{group}: {reason}", _many(a), _many(b)] for group, reason, a, b in row["removed"]]
        lines += ["", *table([f"{name}: left out for", "in a", "in b"], cells, numbers=(1, 2), most=most)]
    return lines


def _field(value: Any) -> str:
    return "–" if value is None else value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
