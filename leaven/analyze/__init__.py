"""From per-item results to verdicts: paired effects with honest intervals, corrected decisions, power. Tables only."""
