"""One page, its figures and its tables."""
