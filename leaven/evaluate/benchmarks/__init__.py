"""Benchmarks as frozen items: an lm-eval task by name, its documents from local files, every prompt written out."""
