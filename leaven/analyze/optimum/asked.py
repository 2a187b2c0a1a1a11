"""What is known of the best share, as a person asks for it: of one source, on one metric."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from leaven.ground.errors import BadInput, did_you_mean


def asked_optimum(found: Mapping[str, Any] | None, of: str | None, metric: str | None) -> dict[str, Any]:
    """The `optimum` of a verdict: everything, or one metric's row.

    Raises: BadInput where no share was swept, or not of this source, or there is no such metric.
    """
    if found is None:
        raise BadInput(
            "no shares of the data are known, so no optimum is sought",
            field="sweep",
            fix="A study states `sweep`; a table has a column of shares.",
        )
    if of is not None and of != found["of"]:
        raise BadInput(f'the share that was swept is that of {found["of"]}, not "{of}"', field="sweep")
    if metric is None:
        return dict(found)
    rows = {row["name"]: row for row in found["measures"]}
    if metric not in rows:
        raise BadInput(f'no metric "{metric}"{did_you_mean(metric, rows)}', field="metric")
    return dict(rows[metric])
