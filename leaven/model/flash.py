"""Causal attention on NVIDIA: cuDNN's flash attention.

Invariants: equals `causal_attention_reference` up to the rounding of the inputs' type; T×T scores never leave the chip.
No segments: `jax.nn.dot_product_attention` knows sequence lengths, masks and biases only, and the latter two are T×T.
(cuDNN's packed layout would need a static bound on documents per sequence, keeps as many log-sum-exps of each row, and
is reachable only through JAX's private modules.)
"""

from __future__ import annotations

import jax
import jax.numpy as jnp

from leaven.ground.errors import BadInput

FORWARD = "dot_product_attention_fwd_wrapper"
"""JAX's primitive of the forward pass: rematerialisation policies keep its results by this name (see `keeps`)."""


def causal_attention_cudnn(q_BHTd: jax.Array, k_BKTd: jax.Array, v_BKTd: jax.Array) -> jax.Array:
    """The same as `causal_attention_reference`. Returns [B, H, T, d] in the type of the inputs.

    Raises:
        BadInput: inputs that are neither bfloat16 nor float16.
    """
    if q_BHTd.dtype not in (jnp.bfloat16, jnp.float16):
        raise BadInput(
            f"cuDNN's attention computes in bfloat16 or float16, not in {q_BHTd.dtype}",
            field="attention",
            fix='compute in bfloat16, or choose attention "blocked"',
        )
    q_BTHd, k_BTKd, v_BTKd = (x.transpose(0, 2, 1, 3) for x in (q_BHTd, k_BKTd, v_BKTd))
    out_BTHd: jax.Array = jax.nn.dot_product_attention(q_BTHd, k_BTKd, v_BTKd, is_causal=True, implementation="cudnn")
    return out_BTHd.transpose(0, 2, 1, 3)
