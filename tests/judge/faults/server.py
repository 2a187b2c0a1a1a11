"""A chat server that judges by a fixed rule and misbehaves on purpose, in a process of its own.

Usage: python server.py '{"seed": 1, "faults": true, "keys": "kept"}'; prints its address, ends when its input does.

* The verdict is a function of the two texts: the one with the larger digest; one pair in four goes by position.
* A fault is a function of the seed and of the number of the request. Some happen instead of an answer (429, 500, 503,
  a cut connection, a body that is no chat completion), some to an answer that was paid for (a connection cut before it
  or in its middle, a body that comes slowly or never ends), some are in the answer (no verdict, a refusal, verdicts
  quoted before the true one, no usage).
* An answer is billed when it is made. With keys "kept", every complete answer, an error too, is kept under its
  Idempotency-Key and given again for nothing, and a key that is being answered is waited for; "answers" keeps only what
  was billed; "unknown" looks at no key and bills whatever is asked.

GET /counts says what happened. Standard library only: it is to start quickly.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import sys
from collections import Counter
from typing import Any

INSTEAD = {"429 waits": 5, "429": 30, "500": 30, "503": 20, "cut before": 10, "no json": 20}
AFTERWARDS = {"cut": 10, "cut inside": 15, "slow": 20, "stalled": 1}
INSIDE = {"no verdict": 40, "refused": 20, "quoted": 150, "no usage": 50}
"""Of a thousand requests."""

THINKS = 0.004
STALLS = 3.0
"""Seconds; the second is more than a client here waits for."""

UNDECIDED = [
    "Comparison: both are fine.",
    "Preferred: Answer (A) or Answer (B)",
    "Preferred: Answer (B)\nBut then again:\nPreferred: neither",
    "preferred: answer (a)",
    "I prefer Answer (B).",
    "",
]


class Server:
    def __init__(self, seed: int, faults: bool, keys: str) -> None:
        self.seed, self.faults, self.keys = seed, faults, keys
        self.counts: Counter[str] = Counter()
        self.bills: Counter[str] = Counter()
        self.kept: dict[str, asyncio.Future[tuple[int, bytes]]] = {}

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            lines = head.split("\r\n")
            headers = {k.lower(): v.strip() for k, _, v in (line.partition(":") for line in lines[1:] if line)}
            body = await reader.readexactly(int(headers.get("content-length", 0)))
            if lines[0].startswith("GET"):
                counts = {**self.counts, "billed": self.bills.total(), "attempts": len(self.bills)}
                await send(writer, 200, json.dumps(counts).encode())
            else:
                await self.answer(json.loads(body), headers.get("idempotency-key", ""), writer)
        except (OSError, asyncio.IncompleteReadError):
            self.counts["gone"] += 1
        finally:
            writer.close()

    async def answer(self, request: dict[str, Any], key: str, writer: asyncio.StreamWriter) -> None:
        number = self.counts["requests"]
        self.counts["requests"] += 1
        instead, afterwards, inside = (
            self.fault(number, kind, rates) for kind, rates in enumerate((INSTEAD, AFTERWARDS, INSIDE))
        )
        self.counts.update(fault for fault in (instead, afterwards) if fault)
        if instead == "cut before":
            return
        if self.keys == "unknown" or not key:
            status, body = await self.made(request, key, number, instead, inside)
        elif key in self.kept:
            self.counts["given again"] += 1
            status, body = await self.kept[key]
        else:
            self.kept[key] = asyncio.get_running_loop().create_future()
            status, body = await self.made(request, key, number, instead, inside)
            self.kept[key].set_result((status, body))
            if instead and self.keys == "answers":
                del self.kept[key]
        headers = {}
        if status == 429 and instead == "429 waits":
            headers["Retry-After"] = "1" if number % 2 else "Fri, 31 Dec 1999 23:59:59 GMT"
        if afterwards == "cut":
            return
        await send(writer, status, body, headers, afterwards or "")

    async def made(
        self, request: dict[str, Any], key: str, number: int, instead: str | None, inside: str | None
    ) -> tuple[int, bytes]:
        await asyncio.sleep(THINKS)
        if instead == "no json":
            return 200, b'<html>{"choices": [' + b"\xff" * 10
        if instead:
            return int(instead[:3]), b'{"error": {"message": "try again"}}'
        # What stands before the last dash names the attempt, whatever HTTP says of it. Without keys it is not used.
        self.bills[key.rpartition("-")[0] or f"request {number}"] += 1
        if inside:
            self.counts[inside] += 1
        return 200, completion(request["messages"][-1]["content"], number, inside)

    def fault(self, number: int, kind: int, rates: dict[str, int]) -> str | None:
        if not self.faults:
            return None
        chance = digest(f"{self.seed} {kind} {number}") % 1000
        for fault, rate in rates.items():
            if chance < rate:
                return fault
            chance -= rate
        return None


def completion(asked: str, number: int, fault: str | None) -> bytes:
    verdict = f"Preferred: Answer ({preferred(asked)})"
    text = f"Comparison: one of them is better.\n{verdict}"
    if fault == "no verdict":
        text = UNDECIDED[number % len(UNDECIDED)]
    if fault == "quoted":
        text = f"It is Preferred: Answer (A) or Preferred: Answer (B).\nPreferred: Answer (B)\nNo, I mean:\n{verdict}"
    message = {"role": "assistant", "content": text, **({"refusal": "No."} if fault == "refused" else {})}
    answer: dict[str, Any] = {"choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}
    if fault != "no usage":
        answer["usage"] = {"prompt_tokens": len(asked) // 4, "completion_tokens": 1 + len(text) // 4}
    return json.dumps(answer).encode()


def preferred(asked: str) -> str:
    first, second = asked.split("\n--A--\n")[1].split("\n--B--\n")
    by_position = digest("".join(sorted((first, second)))) % 4 == 0
    return "A" if by_position or digest(first) > digest(second) else "B"


def digest(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "little")


async def send(
    writer: asyncio.StreamWriter, status: int, body: bytes, headers: dict[str, str] | None = None, fault: str = ""
) -> None:
    lines = [f"HTTP/1.1 {status} .", f"Content-Length: {len(body)}", "Connection: close"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    head, half = "\r\n".join(lines).encode() + b"\r\n\r\n", len(body) // 2
    if not fault:
        writer.write(head + body)
        await writer.drain()
        return
    writer.write(head + body[:half])
    await writer.drain()
    if fault == "cut inside":
        return
    for at in range(half, len(body), 40):
        await asyncio.sleep(STALLS if fault == "stalled" else 0.02)
        writer.write(body[at : at + 40])
        await writer.drain()


async def main() -> None:
    server = Server(**json.loads(sys.argv[1]))
    async with await asyncio.start_server(server.serve, "127.0.0.1", 0) as listening:
        print(f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}", flush=True)
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(main())
