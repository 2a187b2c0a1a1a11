"""The best share of one kind of data: laws of a sweep, the interval of its best share, and when there is none to name."""
