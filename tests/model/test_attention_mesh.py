"""Attention spread over eight simulated devices, in a process of its own: a process counts its devices only once."""

from __future__ import annotations

import os
import subprocess
import sys


def test_attention_on_a_mesh_equals_attention_on_one_device() -> None:
    flags = os.environ.get("XLA_FLAGS", "") + " --xla_force_host_platform_device_count=8"
    environment = {**os.environ, "XLA_FLAGS": flags, "JAX_PLATFORMS": "cpu"}
    done = subprocess.run([sys.executable, __file__], env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["spread"] * 10 + ["refused"] * 2


def main() -> None:
    import jax
    import jax.numpy as jnp
    import numpy as np
    from jax.sharding import AxisType, NamedSharding, PartitionSpec

    from leaven.ground.errors import BadInput
    from leaven.model.attention import attend, causal_attention_reference
    from leaven.model.execution import Execution

    jax.config.update("jax_disable_most_optimizations", True)
    mesh = jax.make_mesh((4, 2), ("data", "model"), axis_types=(AxisType.Auto, AxisType.Auto))
    heads = NamedSharding(mesh, PartitionSpec("data", "model", None, None))
    rng = np.random.default_rng(0)
    B, H, T, d = 4, 4, 70, 16

    def value_and_gradients(form, *inputs):
        def both(q, k, v):
            out, pull = jax.vjp(form, q, k, v)
            return out, *pull(jnp.cos(out))

        return jax.jit(both)(*inputs)

    def compare(how: Execution, K: int, documents: bool) -> None:
        q, k, v = (rng.normal(size=(B, n, T, d)).astype(np.float32) for n in (H, K, K))
        segments = jnp.asarray(np.cumsum(rng.random((B, T)) < 0.1, axis=1), jnp.int32) if documents else None
        spread = [jax.device_put(x, heads if x.shape[1] % 2 == 0 else mesh_rows) for x in (q, k, v)]
        got = value_and_gradients(lambda q, k, v: attend(q, k, v, how, segments), *spread)
        want = value_and_gradients(lambda q, k, v: causal_attention_reference(q, k, v, segments), q, k, v)
        assert got[0].sharding.is_equivalent_to(heads, 4)
        for one, other in zip(got, want, strict=True):
            np.testing.assert_allclose(np.asarray(one), np.asarray(other), rtol=2e-4, atol=2e-5)
        print("spread")

    mesh_rows = NamedSharding(mesh, PartitionSpec("data"))
    for attention in ("reference", "blocked", "splash"):
        # One key head for two model devices cannot be cut: it is repeated.
        for K, documents in ((4, False), (2, True), (1, True)):
            compare(Execution(attention=attention, mesh=mesh, interpret=True), K, documents)
    compare(Execution(), 2, True)  # the compiler spreads what no mesh is named for

    for shape in ((3, 4, 8, 8), (4, 3, 8, 8)):
        try:
            attend(*[jnp.zeros(shape)] * 3, Execution(mesh=mesh))
        except BadInput:
            print("refused")


if __name__ == "__main__":
    main()
