"""What `leaven store` prints."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from leaven.columns import table, wrapped
from leaven.report.words import size

if TYPE_CHECKING:
    from leaven.engine.keeping.collect import Collection
    from leaven.engine.keeping.export import Exported
    from leaven.engine.keeping.importing import Imported
    from leaven.engine.keeping.rehash import Repaired, Verified
    from leaven.engine.keeping.shelf import Lying

DIGITS = 12
"""Of an identity, on a terminal."""
WORDS = {
    "work": "unfinished work",
    "log": "log",
    "cache": "cache",
    "damaged": "damaged",
    "rest": "left over",
    "slurm": "jobs of Slurm",
}


def steps(count: int) -> str:
    return f"{count:,} step{'' if count == 1 else 's'}"


def listed_lines(rows: Sequence[tuple[Lying, list[str]]], most: int) -> list[str]:
    """Steps, a line each, and what they are together."""
    cells = [
        [
            step.identity[:DIGITS],
            step.kind,
            size(step.bytes),
            _moment(step.finished),
            ", ".join(names) or "–",
            step.names[0],
        ]
        for step, names in rows
    ]
    head = ["step", "kind", "size", "finished", "studies", "name"]
    lines = table(head, cells, numbers=[2], most=most) if cells else []
    nobody = sum(not names for _, names in rows)
    rest = f"; {steps(nobody)} that no kept study needs (leaven store gc)" if nobody else ""
    return [*lines, f"{steps(len(rows))}, {size(sum(step.bytes for step, _ in rows))}{rest}"]


def used_lines(found: dict[str, Any], most: int) -> list[str]:
    """Bytes by study, by kind and beside steps."""
    every, unused = found["steps"], found["unused"]
    rows = [
        [
            f"{row['study']}@{row['set']}",
            _moment(row["remembered"]),
            f"{row['there']}/{row['steps']}",
            size(row["bytes"]),
            size(row["own"]),
            ", ".join(map(str, row["about"].get("sizes", []))),
        ]
        for row in found["studies"]
    ]
    if unused["steps"]:
        rows.append(["no kept study's", "", f"{unused['steps']}", size(unused["bytes"]), size(unused["bytes"]), ""])
    lines = [f"store     {found['root']}: {steps(every['steps'])}, {size(every['bytes'])}"]
    if found["copy"]:
        lines.append(f"copy      {found['copy']}: {size(found['here'])} of it")
    if rows:
        head = ["study", "last run", "steps", "size", "its alone", "model"]
        lines += [f"  {line}" for line in table(head, rows, numbers=[2, 3, 4], most=most - 2)]
    lines += wrapped(
        "kinds     ", [f"{row['kind']} {size(row['bytes'])} ({row['steps']})" for row in found["kinds"]], most=most
    )
    beside = [f"{name} {size(bytes_)}" for name, bytes_ in found["beside"].items() if bytes_]
    lines += wrapped("beside    ", beside or ["nothing"], most=most)
    if found["damaged"]:
        lines.append(f"damaged   {steps(found['damaged'])} whose manifest cannot be read: leaven store verify")
    return lines


def verified_lines(found: Verified, repaired: Repaired | None) -> list[str]:
    """What is damaged, file by file, and what became of it."""
    lines = [
        f"damaged   {each.identity[:DIGITS]} {each.name}: {each.file + ' ' if each.file else ''}{each.what}"
        for each in found.damage
    ]
    lines += [f"note      {path} is named by no manifest" for path in found.strangers]
    if repaired:
        lines += [f"moved     {path}" for path in repaired.moved]
        lines += [f"mended    {step_id[:DIGITS]}: the depot has it whole" for step_id in repaired.mended]
    looked = f"{steps(found.steps)}, {found.files:,} files, {size(found.bytes)} rehashed"
    bad = len({each.identity for each in found.damage})
    if not bad:
        return [*lines, f"whole     {looked}"]
    again = "--repair moves them aside, so that they are computed again"
    if repaired:
        rest = bad - len(repaired.mended)
        again = f"the next run computes {steps(rest)} again" if rest else "all are whole again"
    return [*lines, f"damaged   {steps(bad)} of {looked}; {again}"]


def collection_lines(found: Collection, most: int, *, gone: bool = False) -> list[str]:
    """What may go or, where `gone`, what went."""
    shown = [each for each in found.leaving if each.what == "step"]
    rows = [[each.path.name[:DIGITS], each.kind, size(each.bytes), each.name] for each in shown]
    lines = []
    if not gone:
        if rows:
            lines += table(["step", "kind", "size", "name"], rows, numbers=[2], most=most)
        for what, word in WORDS.items():
            mine = [each for each in found.leaving if each.what == what]
            if mine:
                lines.append(f"{word:<15} {len(mine):,}, {size(sum(each.bytes for each in mine))}")
    if found.forgotten:
        verb = "forgotten" if gone else "to forget"
        lines += wrapped(f"{verb} ", [record.label for record in found.forgotten], most=most)
    said = "removed" if gone else "may go"
    more = len(found.leaving) - len(shown)
    rest = f" and {more:,} other{'' if more == 1 else 's'}" if more else ""
    stay = f"{steps(found.kept)} stay{'s' if found.kept == 1 else ''}"
    if not found.leaving:
        return [*lines, f"nothing {'was removed' if gone else 'may go'}: {stay}"]
    return [*lines, f"{said:<9} {steps(len(shown))}{rest}, {size(found.bytes)}; {stay}"]


def exported_lines(found: Exported) -> list[str]:
    lines = [
        f"exported  {found.record.label}: {steps(found.steps)}, {size(found.bytes)}",
        f"file      {found.file} ({size(found.size)})",
    ]
    if found.missing:
        lines.append(f"note      {steps(found.missing)} of the study have not been computed and are not in it")
    if found.left_out:
        lines.append(f"note      {steps(found.left_out)} were left out; a run on the other machine computes them again")
    if found.other_sets:
        lines.append(f"note      other sets of the study are not in it: {', '.join(found.other_sets)}")
    return [*lines, *(f"note      {note}" for note in found.notes)]


def imported_lines(found: Imported) -> list[str]:
    lines = [
        f"imported  {found.record.label}: {steps(found.new)} new, {found.there:,} there already",
        f"folder    {found.folder}{'' if found.folder_is_new else ' (there already, left as it is)'}",
    ]
    if found.missing:
        lines.append(f"note      {steps(found.missing)} of the study are not here: a run computes them")
    return [*lines, *(f"note      {note}" for note in found.notes)]


def _moment(utc: str) -> str:
    """`2026-11-21 14:02` of a time in UTC, to the minute."""
    return utc[:16].replace("T", " ")
