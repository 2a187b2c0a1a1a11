"""Suites through lm-eval, generation, program execution; every item kept."""
