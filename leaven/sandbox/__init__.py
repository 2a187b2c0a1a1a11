"""Isolation of untrusted Python programs: what level this machine gives, one run, many runs."""
