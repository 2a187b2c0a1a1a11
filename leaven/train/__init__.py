"""Training: schedules, the optimizer, the compiled step, checkpoints, and one stage from its parent to its outputs."""
