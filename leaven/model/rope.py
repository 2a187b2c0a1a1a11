"""Rotary positions (arXiv 2104.09864): interleaved pairs, as Cohere has them, and sorted halves, as training runs them.

Invariant: q·k of two vectors that are rotated, in either form with channels sorted alike, is the same and depends on
the distance of their positions only.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np


def rope_angles(positions: jax.Array, head: int, theta: float) -> jax.Array:
    """Angles of the rotation: positions [...] → [..., head / 2], position · theta^(-2i/head)."""
    wavelengths = theta ** (-np.arange(0, head, 2, dtype=np.float64) / head)
    return positions[..., None].astype(jnp.float32) * wavelengths.astype(np.float32)


def rope_interleaved(x: jax.Array, angles: jax.Array) -> jax.Array:
    """Reference: rotate the pairs (0, 1), (2, 3), … of the last axis, as Cohere does."""
    even, odd = x[..., 0::2], x[..., 1::2]
    cos, sin = jnp.cos(angles), jnp.sin(angles)
    return jnp.stack([even * cos - odd * sin, odd * cos + even * sin], axis=-1).reshape(x.shape)


def rope_halves(x: jax.Array, cos: jax.Array, sin: jax.Array) -> jax.Array:
    """Rotate channel i with channel i + d/2: the same rotation for channels sorted by `even_first`."""
    first, second = jnp.split(x, 2, axis=-1)
    return jnp.concatenate([first * cos - second * sin, second * cos + first * sin], axis=-1)


def even_first(w: jax.Array, heads: int) -> jax.Array:
    """Sort the output channels of each head, even ones first: [..., in, heads·d] of a query or key projection.

    q·k does not change when both are sorted alike, and rotating halves needs no strided access.
    """
    *front, width = w.shape
    pairs = w.reshape(*front, heads, width // heads // 2, 2)
    return jnp.swapaxes(pairs, -1, -2).reshape(w.shape)
