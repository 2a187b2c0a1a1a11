"""Whether this device computes what is meant: its kernels against the plain references, values and gradients.

Each function yields (what was compared, difference, allowed). A difference is the largest of any entry, as a share of
the largest entry of the reference, which is computed in float32 without shortcuts of the matrix units. Allowed is what
rounding the inputs to their type makes of it, with room for sums.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from leaven.model.attention import attend, causal_attention_reference
from leaven.model.config import from_size
from leaven.model.cross_entropy import cross_entropy_reference, cross_entropy_tiled
from leaven.model.execution import Execution
from leaven.model.init import init
from leaven.train import packed, step
from leaven.train.step import Recipe, TrainState, train_chunk

Row = tuple[str, float, float]
EXACT = "float32"
"""Products of float32 as float32: matrix units would round their inputs to nineteen bits."""


def difference(found: Any, expected: Any) -> float:
    """The largest of any entry over the largest entry expected; of trees the largest of their leaves."""
    pairs = zip(jax.tree.leaves(found), jax.tree.leaves(expected), strict=True)
    return max(float(jnp.abs(f.astype(jnp.float32) - e).max() / jnp.abs(e).max()) for f, e in pairs)


def attention_rows(dry: bool) -> Iterator[Row]:
    """cuDNN (or, dry, blocked attention) with as many key heads as query heads and with fewer."""
    kernel, T, d = ("blocked", 64, 16) if dry else ("cudnn", 2048, 128)
    for heads in (8, 2):
        shapes = ((2, 8, T, d), (2, heads, T, d), (2, heads, T, d), (2, 8, T, d))
        q, k, v, g = (jax.random.normal(jax.random.key(i), s).astype(jnp.bfloat16) for i, s in enumerate(shapes))
        inputs = (q, k, v)

        with jax.default_matmul_precision(EXACT):
            wide = tuple(x.astype(jnp.float32) for x in inputs)
            out, pull = jax.jit(lambda q, k, v: jax.vjp(causal_attention_reference, q, k, v))(*wide)
            gradients = pull(g.astype(jnp.float32))
        for kind in dict.fromkeys((kernel, "blocked")):
            found, found_gradients = _by_kernel(kind, inputs, g)
            name = f"attention {kind}, bfloat16, 8 heads over {heads} of {d} channels, {T} positions"
            yield f"{name}: values", difference(found, out), 0.02
            yield f"{name}: gradients", difference(found_gradients, gradients), 0.03
    program = _by_kernel.lower(kernel, inputs, g).compile().as_text()
    yield f"attention {kernel}: calls of cuDNN's flash attention missing", float(not dry and "fmha" not in program), 0.0


@partial(jax.jit, static_argnums=0)
def _by_kernel(kind: str, inputs: Any, g: Any) -> Any:
    """Attention's values, and the gradients that g pulls back."""
    how = Execution(attention=kind, compute="bfloat16")
    out, pull = jax.vjp(lambda q, k, v: attend(q, k, v, how), *inputs)
    return out, pull(g.astype(out.dtype))


def loss_rows(dry: bool) -> Iterator[Row]:
    """The tiled loss, with z-loss, with tiles that do not divide the tokens."""
    N, D, V, tile = (40, 16, 96, 16) if dry else (4096, 512, 65_536, 1536)
    h, w = (jax.random.normal(jax.random.key(i), s) for i, s in enumerate(((N, D), (V, D))))
    w = w * D**-0.5
    y = jax.random.randint(jax.random.key(2), (N,), 0, V)

    def reference(h: Any, w: Any) -> Any:
        return cross_entropy_reference(h, w, y, 1.0, 1e-4)

    def tiled(compute: str, h: Any, w: Any) -> Any:
        return cross_entropy_tiled(h, w, y, Execution(compute=compute, tile=tile), scale=1.0, z_loss=1e-4)

    for compute, allowed in (("float32", 1e-5), ("bfloat16", 0.02)):
        given = h.astype(compute), w.astype(compute).astype(jnp.float32)
        with jax.default_matmul_precision(EXACT):
            exact = jax.jit(jax.value_and_grad(reference, (0, 1), has_aux=True))(given[0].astype(jnp.float32), given[1])
            found = jax.jit(jax.value_and_grad(lambda h, w, c=compute: tiled(c, h, w), (0, 1), has_aux=True))(*given)
        (value, gradients), (expected, exact_gradients) = found, exact
        name = f"tiled loss, {compute}, {N} tokens, vocabulary {V}, tiles of {tile}"
        yield f"{name}: values", difference(value, expected), allowed / 10
        yield f"{name}: gradients", difference(gradients, exact_gradients), allowed


def training_rows(dry: bool) -> Iterator[Row]:
    """Losses of a small model, step by step: bfloat16 against float32, and four models at once against each alone."""
    config = from_size("0.3m", 64, 16) if dry else from_size("1m")
    K, B, M = (8, 2, 2) if dry else (64, 16, 4)
    V, T = config.vocab, config.sequence
    even = np.random.default_rng(0).random((M, K, B, T + 1))
    tokens = np.minimum(10 * (V / 10 + 1) ** even - 10, V - 1).astype(np.int32)
    tokens[..., 1::2] = (tokens[..., 0:-1:2] + 1) % V  # every second token follows from the one before
    rates = np.full(K, 1e-3, np.float32)
    recipe, last = Recipe(), K // 4

    def begun(m: int) -> TrainState:
        return step.start(init(config, m), recipe)

    def losses(m: int, **how: Any) -> Any:
        return train_chunk(config, recipe, Execution(**how), begun(m), tokens[m], rates, np.int32(K))[1].nats

    wide = [losses(m) for m in range(M)]
    kernel = "blocked" if dry else "cudnn"
    narrow = losses(0, compute="bfloat16", attention=kernel)
    fallen = float(wide[0][:last].mean() - wide[0][-last:].mean())
    yield "training, float32: nats that the loss did not fall by, of the first quarter's", max(0.0, 0.05 - fallen), 0.0
    name = f"training, {K} steps of {config.width} × {config.layers}"
    ends = [float(x[-last:].mean()) for x in (narrow, wide[0])]
    yield f"{name}: bfloat16 ({kernel}) against float32, mean loss of the last {last}", abs(ends[0] / ends[1] - 1), 0.01
    together = jax.tree.map(lambda *each: jnp.stack(each), *[begun(m) for m in range(M)])
    columns = np.swapaxes(tokens, 0, 1), np.repeat(rates[:, None], M, 1)
    measured = packed.train_pack(config, recipe, Execution(), together, *columns, np.int32(K))[1]
    apart = max(float(jnp.abs(measured.nats[:, m] / wide[m] - 1).max()) for m in range(M))
    yield f"{name}: {M} models in one program against each alone, float32, largest of any step", apart, packed.TOLERANCE
