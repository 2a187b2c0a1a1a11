"""A driver in its own process: a study file, where it runs, where its results go."""

from __future__ import annotations

import sys
from pathlib import Path

import leaven
from leaven.engine.executors import Where
from leaven.ground.errors import LeavenError

if __name__ == "__main__":
    study, on, runs, shared, *rest = sys.argv[1:]
    where = Where() if on == "local" else Where(on, shared=[Path(shared)], hosts=int(rest[0]) if rest else 1)
    try:
        leaven.load(study, runs=runs).run(where=where, jobs=2 if on == "local" else None)
    except LeavenError as error:
        print(error, file=sys.stderr)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        sys.exit(130)
