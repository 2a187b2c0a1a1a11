"""The best share of one kind of data: laws of a sweep, the interval of its best share, and when none can be named."""

from leaven.analyze.optimum.data import SweepMeasure, optimum_data

__all__ = ["SweepMeasure", "optimum_data"]
