"""Bytes that a compiled program sends between devices, read from its optimized text.

What: every collective of an XLA program, how often it runs, and what each device sends for it. Why from the text: the
partitioner and the backend decide which collectives there are (a TPU may well gather by an all-reduce), and the
compiler's own cost analysis counts the body of a loop once.
Invariants: a collective inside loops counts as often as all of them turn. A loop whose number of turns is not in the
program counts once and is named; of a conditional, every branch counts.
Sent bytes are those of a ring over n devices, the least that can be: (n − 1)/n of the whole array for all-gather,
reduce-scatter and all-to-all, twice that for all-reduce, all of it for collective-permute and collective-broadcast.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass

KINDS = (
    "all-gather",
    "reduce-scatter",
    "all-reduce",
    "all-to-all",
    "ragged-all-to-all",
    "collective-permute",
    "collective-broadcast",
)

CLOSED = re.compile(r"\}(, execution_thread=.*)?$")
"""The end of a computation."""


@dataclass(frozen=True)
class Collective:
    """One collective of a program.

    Args:
        kind: one of `KINDS`.
        where: the operation of the traced function that it comes from; may be empty.
        bytes: of the arrays that a device puts in.
        devices: that take part together.
        times: it runs in one call of the program.
    """

    kind: str
    where: str
    bytes: int
    devices: int
    times: int

    @property
    def sent(self) -> int:
        """Bytes that one device sends in one call of the program."""
        others, share = self.devices - 1, (self.devices - 1) / self.devices
        factor = {"all-gather": others, "all-reduce": 2 * share, "reduce-scatter": share}.get(
            self.kind, share if self.kind.endswith("all-to-all") else 1.0
        )
        return round(self.bytes * factor) * self.times


@dataclass(frozen=True)
class Traffic:
    """All collectives of a program, and the names of loops whose number of turns it does not say."""

    collectives: tuple[Collective, ...]
    unknown: tuple[str, ...]

    def sent(self) -> dict[str, int]:
        """Kind → bytes that one device sends in one call; kinds that do not occur are left out."""
        kinds = [kind for kind in KINDS if any(one.kind == kind for one in self.collectives)]
        return {kind: sum(one.sent for one in self.collectives if one.kind == kind) for kind in kinds}


@dataclass(frozen=True)
class _Instruction:
    type: str
    opcode: str
    operands: tuple[str, ...]
    inside: str
    """What stands in the parentheses: a constant's value, a parameter's number."""
    attributes: str

    def called(self, attribute: str) -> str:
        found = re.search(rf"\b{attribute}=%?([\w.\-]+)", self.attributes)
        return found[1] if found else ""

    def element(self) -> int:
        found = re.search(r"\bindex=(\d+)", self.attributes)
        return int(found[1]) if found else -1


@dataclass(frozen=True)
class _Computation:
    instructions: dict[str, _Instruction]
    root: str


@dataclass(frozen=True)
class _Program:
    computations: dict[str, _Computation]
    entry: str
    devices: int


@dataclass(frozen=True)
class _Frame:
    """A computation, and the operands it was called with: names in the frame of its caller (None: the entry)."""

    computation: _Computation
    operands: tuple[str, ...] = ()
    caller: _Frame | None = None


def traffic(text: str) -> Traffic:
    """The collectives of `compiled.as_text()`, in the order of the program."""
    program = _parse(text)
    unknown: list[str] = []
    found = _walk(program, _Frame(program.computations[program.entry]), 1, unknown)
    return Traffic(tuple(found), tuple(unknown))


def _walk(
    program: _Program, frame: _Frame, times: int, unknown: list[str], pieces: set[str] | None = None
) -> Iterator[Collective]:
    """`pieces`: inside a fusion, the channels that fusions of the same caller have used before. A TPU spreads one
    collective over several fusions, which begin it, carry it along with other work and end it."""
    fused: set[str] = set()
    for name, at in frame.computation.instructions.items():
        kind = at.opcode.removesuffix("-start")
        if kind in KINDS:
            if pieces is not None:
                channel = kind + at.called("channel_id")
                if channel in pieces:
                    continue
                pieces.add(channel)
            size = sum(_bytes(frame.computation.instructions[operand].type) for operand in at.operands)
            yield Collective(kind, _where(at), size, _group(at, program.devices), times)
        elif at.opcode == "while":
            turns = _turns(program, at, frame)
            if turns is None:
                unknown.append(_where(at) or name)
            body = _Frame(program.computations[at.called("body")], at.operands, frame)
            yield from _walk(program, body, times * (1 if turns is None else turns), unknown)
        else:
            for callee in _callees(at):
                inner = _Frame(program.computations[callee], at.operands, frame)
                yield from _walk(program, inner, times, unknown, fused if at.opcode == "fusion" else None)


def _callees(at: _Instruction) -> list[str]:
    if at.opcode in ("fusion", "async-start"):
        return [at.called("calls")]
    if at.opcode == "call":
        return [at.called("to_apply")]
    if at.opcode == "conditional":
        branches = re.search(r"branch_computations=\{([^}]*)\}", at.attributes)
        names = branches[1].replace("%", "").split(",") if branches else []
        return [name.strip() for name in names] or [at.called("true_computation"), at.called("false_computation")]
    return []


def _where(at: _Instruction) -> str:
    found = re.search(r'op_name="((?:[^"\\]|\\.)*)"', at.attributes)
    return found[1] if found else ""


def _turns(program: _Program, loop: _Instruction, frame: _Frame) -> int | None:
    """How often a loop turns: as the compiler noted it, or from `counter < limit` in its condition."""
    noted = re.search(r'"known_trip_count":\{"n":"(\d+)"\}', loop.attributes)
    if noted:
        return int(noted[1])
    body = _Frame(program.computations[loop.called("body")], loop.operands, frame)
    condition = _Frame(program.computations[loop.called("condition")], loop.operands, frame)
    test, inner = _root(program, condition)
    if test.opcode != "compare" or "direction=LT" not in test.attributes:
        return None
    counter, limit = (_trace(operand, inner, condition) for operand in test.operands)
    if not isinstance(counter, str) or limit is None:
        return None
    start, step = _entering(program, counter, loop, frame), _step(program, counter, body)
    stop = limit if isinstance(limit, int) else _entering(program, limit, loop, frame)
    if isinstance(limit, str) and _left(program, limit, body) != limit:
        return None
    return None if start is None or stop is None or not step else max(0, -(-(stop - start) // step))


def _root(program: _Program, frame: _Frame) -> tuple[_Instruction, _Frame]:
    """The result of a computation, looked up inside the fusion that makes it."""
    at = frame.computation.instructions[frame.computation.root]
    if at.opcode != "fusion":
        return at, frame
    return _root(program, _Frame(program.computations[at.called("calls")], at.operands, frame))


def _trace(name: str, frame: _Frame, loop: _Frame) -> int | str | None:
    """What a value inside a loop is: a constant, an element of the loop's state (its number as text), or None."""
    at = frame.computation.instructions[name]
    if at.opcode == "constant":
        return int(at.inside) if re.fullmatch(r"-?\d+", at.inside) else None
    if at.opcode in ("copy", "bitcast", "convert", "reshape"):
        return _trace(at.operands[0], frame, loop)
    if at.opcode == "parameter" and frame is not loop and frame.caller is not None:
        return _trace(frame.operands[int(at.inside)], frame.caller, loop)
    if at.opcode == "get-tuple-element" and frame is loop:
        source = frame.computation.instructions[at.operands[0]]
        return str(at.element()) if source.opcode == "parameter" else None
    return None


def _left(program: _Program, element: str, body: _Frame) -> int | str | None:
    """What a turn leaves in an element of the loop's state."""
    result = body.computation.instructions[body.computation.root]
    if result.opcode != "tuple":
        return None
    return _trace(result.operands[int(element)], body, body)


def _step(program: _Program, counter: str, body: _Frame) -> int | None:
    """What a turn adds to the counter."""
    result = body.computation.instructions[body.computation.root]
    if result.opcode != "tuple":
        return None
    name, frame = result.operands[int(counter)], body
    at = frame.computation.instructions[name]
    while at.opcode in ("copy", "bitcast"):
        at = frame.computation.instructions[at.operands[0]]
    if at.opcode == "fusion":
        at, frame = _root(program, _Frame(program.computations[at.called("calls")], at.operands, body))
    if at.opcode != "add":
        return None
    added = [_trace(operand, frame, body) for operand in at.operands]
    constants = [value for value in added if isinstance(value, int)]
    return constants[0] if counter in added and len(constants) == 1 else None


def _entering(program: _Program, element: str, loop: _Instruction, frame: _Frame) -> int | None:
    """The constant that an element of a loop's state begins with, where it is one."""
    at = frame.computation.instructions[loop.operands[0]]
    while at.opcode == "copy":
        at = frame.computation.instructions[at.operands[0]]
    if at.opcode != "tuple":
        return None
    value = _trace(at.operands[int(element)], frame, frame)
    return value if isinstance(value, int) else None


def _bytes(type_: str) -> int:
    """Of an array's type, or of all arrays of a tuple's."""
    arrays = re.findall(r"\b([a-z]+\d*[a-z0-9]*)\[([\d,]*)\]", type_)
    return sum(_bits(kind) * math.prod(int(n) for n in shape.split(",") if n) // 8 for kind, shape in arrays)


def _bits(kind: str) -> int:
    found = re.search(r"\d+", kind)
    return int(found[0]) if found else 8  # pred


def _group(at: _Instruction, devices: int) -> int:
    """How many devices take part in one group of a collective."""
    if listed := re.search(r"replica_groups=\{\{([\d,]*)\}", at.attributes):
        return listed[1].count(",") + 1
    if tiled := re.search(r"replica_groups=\[\d+,(\d+)\]", at.attributes):
        return int(tiled[1])
    if named := re.search(r"replica_groups=\w*mesh\[([^\]]*)\]\s*\{([^}]*)\}", at.attributes):
        sizes = {axis: int(size) for axis, size in re.findall(r"'([^']+)'=(\d+)", named[1])}
        parts = re.findall(r"'([^']+)'(?::\(\d+\)(\d+))?", named[2])
        return math.prod(int(part) if part else sizes[axis] for axis, part in parts)
    return devices


def _parse(text: str) -> _Program:
    header = text[: text.index("\n")]
    devices = math.prod(int(n) for n in re.findall(r"\b(?:num_partitions|replica_count)=(\d+)", header))
    computations: dict[str, _Computation] = {}
    entry = name = root = ""
    instructions: dict[str, _Instruction] = {}
    for line in _lines(text):
        if opened := re.match(r"(ENTRY )?%?([\w.\-]+) \(.*\{$", line):
            name, instructions, root = opened[2], {}, ""
            entry = name if opened[1] else entry
        elif name and CLOSED.match(line):
            computations[name], name = _Computation(instructions, root), ""
        elif name and (given := re.match(r"\s+(ROOT )?%?([\w.\-]+) = ", line)):
            instructions[given[2]] = _instruction(line[given.end() :])
            root = given[2] if given[1] else root
    return _Program(computations, entry, devices)


def _lines(text: str) -> Iterator[str]:
    """Lines of the program; what a kernel's notes spread over several is one."""
    held = ""
    for line in text.splitlines():
        if line.startswith(("  ", "%", "ENTRY ")) or not line or CLOSED.match(line):
            yield held
            held = line
        else:
            held += line
    yield held


def _instruction(text: str) -> _Instruction:
    """`type opcode(operands), attributes`."""
    end = _closing(text, 0) + 1 if text.startswith("(") else text.index(" ")
    opcode, _, _ = text[end:].strip().partition("(")
    opening = text.index("(", end)
    closing = _closing(text, opening)
    inside = text[opening + 1 : closing]
    return _Instruction(
        text[:end], opcode, tuple(re.findall(r"%([\w.\-]+)", inside)), inside.strip(), text[closing + 1 :]
    )


def _closing(text: str, opening: int) -> int:
    """Where the parenthesis that opens at `opening` closes."""
    depth = 0
    for place in range(opening, len(text)):
        depth += {"(": 1, ")": -1}.get(text[place], 0)
        if depth == 0:
            return place
    return len(text)
