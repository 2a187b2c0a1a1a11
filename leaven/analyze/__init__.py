"""Noise, gains, verdicts: pure functions over per-item results."""
