"""What an offline run of Weights & Biases holds, read from its own files: its process writes some seconds behind, and
what it had not written is gone when it is killed with the run.

The file is a header of seven bytes and then the log format of LevelDB (doc/log_format.md there: blocks of 32 KiB,
records of checksum, length, type) with records of `wandb.proto`.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from google.protobuf.message import DecodeError
from wandb.proto import wandb_internal_pb2

BLOCK, HEADER = 1 << 15, 7
FULL, LAST = 1, 4
"""Types of a record that end what was written as one."""


@dataclass
class Held:
    """`tokens` of the rows, in order; what the summary said last."""

    tokens: list[int] = field(default_factory=list)
    summary: dict[str, Any] = field(default_factory=dict)


def held(folder: Path, run_id: str) -> Held:
    """What the offline runs of this id hold together. `folder`: the study's."""
    found = Held()
    for path in sorted(folder.glob(f"wandb/offline-run-*-{run_id}*/run-{run_id}.wandb")):
        for record in records(path):
            if record.HasField("history"):
                rows = {name_of(item): item.value_json for item in record.history.item}
                if "tokens" in rows:
                    found.tokens.append(int(json.loads(rows["tokens"])))
            elif record.HasField("summary"):
                found.summary |= {name_of(item): json.loads(item.value_json) for item in record.summary.update}
    return found


def name_of(item: Any) -> str:
    return "/".join(item.nested_key) or item.key


def records(path: Path) -> Iterator[Any]:
    """The whole records of a file, up to where a killed process left off."""
    data, at, whole = path.read_bytes(), HEADER, b""
    while at + HEADER <= len(data):
        left = BLOCK - at % BLOCK
        if left < HEADER:  # the rest of a block that can hold no record
            at += left
            continue
        _, length, kind = struct.unpack_from("<IHB", data, at)
        at += HEADER
        if not kind or at + length > len(data):
            return
        whole += data[at : at + length]
        at += length
        if kind in (FULL, LAST):
            record = wandb_internal_pb2.Record()
            try:
                record.ParseFromString(whole)
            except DecodeError:
                return
            yield record
            whole = b""
