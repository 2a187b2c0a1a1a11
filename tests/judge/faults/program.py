"""Judges two folders of completions at an endpoint: what the tests kill and start again.

Usage: python program.py '{"url": …, "a": …, "b": …, "cache": …, "out": …, "at_once": 16, "offline": false}';
prints what the journal says was spent.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path

from leaven.ground.chat import Chat
from leaven.ground.pace import Pace
from leaven.ground.replies import ReplyCache
from leaven.judge.endpoint import Endpoint
from leaven.judge.run import judge_pair
from leaven.judge.spending import Price
from leaven.judge.template import Template

TEMPLATE = Template(
    name="faults",
    user="{prompt}\n--A--\n{first}\n--B--\n{second}",
    begins="Preferred:",
    first="Answer (A)",
    second="Answer (B)",
)


def main() -> None:
    told = json.loads(sys.argv[1])
    # Waits are short and tries many: what is tested is that nothing is lost, not that a patient client is slow.
    chat = Chat(
        url=told["url"],
        model="rule",
        tries=12,
        first_wait=0.005,
        longest_wait=0.05,
        longest_rest=0.05,
        timeout=2.0,
        pace=Pace(told["at_once"]),
    )
    cache = ReplyCache(Path(told["cache"]), offline=told["offline"])
    judge = Endpoint(
        chat,
        cache,
        TEMPLATE,
        revision="1",
        replies=6,
        at_once=told["at_once"],
        price=Price(2.5, 10.0),
        budget=1e6,
        scope="faults",
        offline=told["offline"],
    )
    out = Path(told["out"])
    out.mkdir(parents=True)
    judge_pair(Path(told["a"]), Path(told["b"]), judge, out)
    print(json.dumps(asdict(cache.spent("faults"))))


if __name__ == "__main__":
    main()
