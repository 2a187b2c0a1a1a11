"""What a finished study found, as tables and as a page."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from leaven.ground.files import read_json

if TYPE_CHECKING:
    import pandas as pd

    from leaven.engine.prepare import Prepared
    from leaven.engine.store import Store


class Results:
    """What a finished study found. `new`: steps that the run before it computed."""

    def __init__(self, store: Store, folder: Path, prepared: Prepared, new: int) -> None:
        self.store, self.folder, self.prepared, self.new = store, folder, prepared, new
        self.verdict_folder = store.folder(prepared.graph.find("verdict").identity)

    def verdict(self) -> dict[str, Any]:
        """The whole verdict, as `verdict.json` has it."""
        return cast(dict[str, Any], read_json(self.verdict_folder / "verdict.json"))

    def lines(self) -> list[str]:
        """The verdict as the terminal shows it."""
        from leaven.analyze.text import render_lines

        return render_lines(self.verdict())

    def gains(self) -> pd.DataFrame:
        """variant, measure, effect, low, high, verdict, …"""
        return self._table("gains")

    def scores(self) -> pd.DataFrame:
        """variant, point, measure, mean, low, high, …"""
        return self._table("scores")

    def winrates(self) -> pd.DataFrame:
        """variant, baseline, wins, losses, ties, errors, net, low, high, …: a row for each pair judged."""
        return self._table("winrates")

    def votes(self) -> pd.DataFrame:
        """Every judged prompt: size, variant, baseline, seed, prompt, both completions, both orders, outcome."""
        import pandas as pd

        frames = []
        for run in self.prepared.graph.runs:
            for other, step in run.judgements.items():
                frame = pd.read_parquet(self.store.file(step, "votes.parquet"))
                frames.append(frame.assign(size=run.size, variant=run.variant, baseline=other, seed=run.seed))
        return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()

    def items(self) -> pd.DataFrame:
        """Every item of every evaluation: size, variant, seed, point, task, item, measure, value."""
        import pandas as pd

        frames = []
        for run in self.prepared.graph.runs:
            for point, step in run.evaluations.items():
                frame = pd.read_parquet(self.store.file(step, "items.parquet"))
                frames.append(frame.assign(size=run.size, variant=run.variant, seed=run.seed, point=point))
        return pd.concat(frames, ignore_index=True)

    def optimum(self, of: str | None = None, metric: str | None = None) -> dict[str, Any]:
        """What is known of the best share: everything, or one metric's row with `state`, `best`, `low` and `high`.

        Raises BadInput where the study has no sweep, or none of this mixture or metric.
        """
        from leaven.analyze.optimum.asked import asked_optimum

        return asked_optimum(self.verdict()["optimum"], of, metric)

    def transfer(self) -> dict[str, Any] | None:
        """What smaller sizes say of larger ones; None for a study of one size."""
        return cast(dict[str, Any] | None, self.verdict()["transfer"])

    def gates(self) -> pd.DataFrame:
        """gate, size, variant, seed, task, said, effect: a row for everything a gate left out or flagged."""
        import pandas as pd

        columns = ["gate", "size", "variant", "seed", "task", "said", "effect"]
        return pd.DataFrame(self.verdict()["gates"], columns=columns)

    def report(self, *, anew: bool = False) -> Path:
        """Write the page (if it is not there already) and return its path."""
        from leaven.engine.pages import write_page

        return write_page(self.prepared, self.store, self.folder, anew=anew)

    def _table(self, name: str) -> pd.DataFrame:
        import pandas as pd

        return pd.read_parquet(self.verdict_folder / f"{name}.parquet")
