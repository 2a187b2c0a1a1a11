"""Linear algebra whose sums are taken in one order, and numbers told to as many digits as then agree.

A linear algebra library adds in an order that depends on the processor and the number of threads. Covariances of smooth
curves are nearly singular, and what such a matrix makes of the last bit of a sum reaches the sixth digit of a result.
Here every operation is one of whole arrays, element by element, which IEEE 754 fixes to the bit. Matrices are small (a
hundred rows), so that this costs milliseconds.
"""

from __future__ import annotations

import math

import numpy as np

from leaven.analyze.bootstrap import Floats

DIGITS = 5
"""Digits of a span that are told."""


def product(one: Floats, other: Floats) -> Floats:
    """Matrix product [… × I × J] · [… × J × K]."""
    shape = np.broadcast_shapes(one.shape[:-2], other.shape[:-2])
    total = np.zeros((*shape, one.shape[-2], other.shape[-1]))
    for j in range(one.shape[-1]):
        total += one[..., :, j, None] * other[..., j, None, :]
    return total


def root(matrix: Floats) -> Floats:
    """The lower Cholesky factor of symmetric positive definite matrices [… × K × K]."""
    left = np.array(matrix, np.float64)
    factor = np.zeros_like(left)
    for k in range(left.shape[-1]):
        column = left[..., k:, k] / np.sqrt(left[..., k, k])[..., None]
        factor[..., k:, k] = column
        left[..., k:, k:] -= column[..., :, None] * column[..., None, :]
    return factor


def inverse(matrix: Floats) -> tuple[Floats, Floats]:
    """The inverse of symmetric positive definite matrices [… × K × K] and the logarithm of their determinants […]."""
    factor = root(matrix)
    solved = np.broadcast_to(np.eye(factor.shape[-1]), factor.shape).copy()
    logs = np.zeros(factor.shape[:-2])
    for k in range(factor.shape[-1]):
        pivot = factor[..., k, k]
        solved[..., k, :] /= pivot[..., None]
        solved[..., k + 1 :, :] -= factor[..., k + 1 :, k, None] * solved[..., k, None, :]
        logs = logs + 2 * np.log(pivot)
    return product(np.swapaxes(solved, -1, -2), solved), logs


def decimals(span: float) -> int:
    """Decimals of numbers that vary over a span, so that DIGITS digits of it are told."""
    return DIGITS - math.floor(math.log10(span)) if span > 0 and math.isfinite(span) else DIGITS


def told(value: float, places: int) -> float:
    """A number with so many decimals; never minus zero."""
    return float(np.round(value, places)) + 0.0


def all_told(values: Floats, places: int) -> list[float]:
    found: list[float] = (np.round(values, places) + 0.0).tolist()
    return found
