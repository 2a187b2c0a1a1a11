"""Bytes between devices, read from programs of the real compiler and from what a TPU's compiler writes besides."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from leaven.train.collectives import Collective, traffic

from .collectives_work import LOOPS

SIZE = 8 * 16 * 4
"""Bytes of the array in every program."""


@pytest.fixture(scope="module")
def texts() -> dict[str, str]:
    flags = "--xla_force_host_platform_device_count=8"
    command = [sys.executable, str(Path(__file__).with_name("collectives_work.py"))]
    environment = {**os.environ, "JAX_PLATFORMS": "cpu", "XLA_FLAGS": flags}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def without_notes(text: str) -> str:
    """The program without the compiler's own count of turns."""
    stripped = re.sub(r'"known_trip_count":\{"n":"\d+"\},?', "", text)
    assert stripped != text
    return stripped


def test_each_kind_sends_what_a_ring_sends(texts: dict[str, str]) -> None:
    assert traffic(texts["each_kind"]).sent() == {
        "all-gather": 3 * SIZE,
        "reduce-scatter": SIZE * 3 // 4,
        "all-reduce": SIZE,  # 2 · (n − 1)/n of it among n = 2
        "all-to-all": SIZE * 3 // 4,
        "collective-permute": SIZE,
    }


def test_devices_are_those_of_one_group(texts: dict[str, str]) -> None:
    found = traffic(texts["each_kind"]).collectives
    assert {one.kind: one.devices for one in found if one.kind != "collective-permute"} == {
        "all-gather": 4,
        "reduce-scatter": 4,
        "all-reduce": 2,
        "all-to-all": 4,
    }


@pytest.mark.parametrize(("outer", "inner"), LOOPS)
def test_loops_inside_loops_multiply(texts: dict[str, str], outer: int, inner: int) -> None:
    seen = traffic(texts[f"nested {outer} {inner}"])
    assert seen.unknown == ()
    assert sum(one.bytes * one.times for one in seen.collectives if one.kind == "all-reduce") == outer * inner * SIZE
    assert seen.sent()["collective-permute"] == outer * SIZE


@pytest.mark.parametrize("name", ["nested 5 2", "nested 7 4", "uneven"])
def test_turns_are_read_from_the_condition_too(texts: dict[str, str], name: str) -> None:
    assert traffic(without_notes(texts[name])) == traffic(texts[name])


def test_a_counter_may_begin_anywhere_and_take_longer_steps(texts: dict[str, str]) -> None:
    (one,) = traffic(without_notes(texts["uneven"])).collectives
    assert one.times == len(range(3, 12, 2))


def test_a_loop_that_is_told_how_often_counts_once_and_is_named(texts: dict[str, str]) -> None:
    seen = traffic(texts["told"])
    assert [one.times for one in seen.collectives] == [1]
    (name,) = seen.unknown
    assert "while" in name


def test_either_branch_of_a_conditional_counts(texts: dict[str, str]) -> None:
    assert traffic(texts["either"]).sent() == {"all-reduce": 2 * SIZE * 3 // 4}


def test_types_have_their_own_sizes(texts: dict[str, str]) -> None:
    (one,) = traffic(texts["bfloat16"]).collectives
    # The compiler for CPUs may widen bfloat16; what it then sends is what counts.
    width = 2 if "bf16[32,16]" in next(line for line in texts["bfloat16"].splitlines() if " all-gather(" in line) else 4
    assert one.bytes == 8 * 16 * width


def test_a_program_without_collectives_sends_nothing() -> None:
    seen = traffic(
        """HloModule quiet, is_scheduled=true

ENTRY %main (a: f32[4]) -> f32[4] {
  %a = f32[4]{0} parameter(0)
  ROOT %b = f32[4]{0} negate(%a)
}
"""
    )
    assert seen.collectives == ()
    assert seen.unknown == ()
    assert seen.sent() == {}


TPU = """HloModule spread, is_scheduled=true, replica_count=1, num_partitions=64

%turn (state: (s32[], bf16[16,128], s32[])) -> (s32[], bf16[16,128], s32[]) {
  %state = (s32[]{:T(128)}, bf16[16,128]{1,0:T(8,128)(2,1)S(1)}, s32[]{:T(128)}) parameter(0)
  %i = s32[]{:T(128)} get-tuple-element(%state), index=0
  %x = bf16[16,128]{1,0:T(8,128)(2,1)S(1)} get-tuple-element(%state), index=1
  %last = s32[]{:T(128)} get-tuple-element(%state), index=2
  %one = s32[]{:T(128)} constant(1)
  %kernel = bf16[16,128]{1,0} custom-call(%x), custom_call_target="tpu_custom_call", frontend_attributes={notes={
"block_q": 512 } {
}}, metadata={op_name="jit(step)/kernel"}
  %begun = ((bf16[16,128]{1,0}), bf16[128,128]) all-gather-start(%kernel), GROUPS, metadata={op_name="jit(step)/use"}
  %whole = bf16[128,128]{1,0} all-gather-done(%begun)
  %sum = (f32[4]{0}, /*index=1*/bf16[16,128]{1,0}) all-reduce(%four, %x), replica_groups=[4,16]<=[64], to_apply=%add
  %part = bf16[16,128]{1,0} slice(%whole), slice={[0:16], [0:128]}
  %next = s32[]{:T(128)} add(%i, %one)
  %four = f32[4]{0} constant({1, 2, 3, 4})
  ROOT %out = (s32[]{:T(128)}, bf16[16,128]{1,0}, s32[]{:T(128)}) tuple(%next, %part, %last)
}

%test (state.1: (s32[], bf16[16,128], s32[])) -> pred[] {
  %state.1 = (s32[]{:T(128)}, bf16[16,128]{1,0}, s32[]{:T(128)}) parameter(0)
  %i.1 = s32[]{:T(128)} get-tuple-element(%state.1), index=0
  %last.1 = s32[]{:T(128)} get-tuple-element(%state.1), index=2
  ROOT %less = pred[]{:T(512)} compare(%i.1, %last.1), direction=LT
}

%begin_it (p: bf16[16,128]) -> bf16[64,128] {
  %p = bf16[16,128]{1,0} parameter(0)
  ROOT %gathering = bf16[64,128]{1,0} all-gather(%p), channel_id=3, replica_groups=[16,4]<=[64], dimensions={0}
}

%end_it (q: bf16[16,128]) -> bf16[64,128] {
  %q = bf16[16,128]{1,0} parameter(0)
  ROOT %gathered = bf16[64,128]{1,0} all-gather(%q), channel_id=3, replica_groups=[16,4]<=[64], dimensions={0}
}

%apart (y: bf16[16,128]) -> bf16[16,128] {
  %y = bf16[16,128]{1,0} parameter(0)
  ROOT %moved = bf16[16,128]{1,0} collective-permute(%y), source_target_pairs={{0,1},{1,0}}
}

ENTRY %main (a: bf16[16,128]) -> bf16[16,128] {
  %a = bf16[16,128]{1,0} parameter(0)
  %first = bf16[64,128]{1,0} fusion(%a), kind=kCustom, calls=%begin_it
  %last = bf16[64,128]{1,0} fusion(%a), kind=kCustom, calls=%end_it
  %zero = s32[]{:T(128)} constant(0)
  %ten = s32[]{:T(128)} constant(10)
  %begin = (s32[]{:T(128)}, bf16[16,128]{1,0}, s32[]{:T(128)}) tuple(%zero, %a, %ten)
  %loop = (s32[]{:T(128)}, bf16[16,128]{1,0}, s32[]{:T(128)}) while(%begin), condition=%test, body=%turn
  %y.1 = bf16[16,128]{1,0} get-tuple-element(%loop), index=1
  %sent = ((bf16[16,128]{1,0}), bf16[16,128]{1,0}, s32[]) async-start(%y.1), calls=%apart
  ROOT %done = bf16[16,128]{1,0} async-done(%sent), calls=%apart
}
""".replace("GROUPS", "replica_groups=mesh['axis_0'=8,'axis_1'=8] {'axis_1'}")
"""What a TPU's compiler writes and that of CPUs does not: groups by mesh axes, collectives in two halves, limits of
loops in their state, notes of kernels over several lines, one collective carried along by several fusions."""


def test_what_a_tpu_compiler_writes() -> None:
    array = 16 * 128 * 2
    assert traffic(TPU).collectives == (
        Collective("all-gather", "", array, 4, 1),
        Collective("all-gather", "jit(step)/use", array, 8, 10),
        Collective("all-reduce", "", 16 + array, 16, 10),
        Collective("collective-permute", "", array, 64, 1),
    )
    assert traffic(TPU).unknown == ()


def test_a_limit_that_a_turn_changes_is_no_limit() -> None:
    changed = TPU.replace("tuple(%next, %part, %last)", "tuple(%next, %part, %next)")
    seen = traffic(changed)
    assert len(seen.unknown) == 1
    assert {one.times for one in seen.collectives} == {1}


def test_a_second_call_of_the_same_fusions_is_another_collective() -> None:
    again = TPU.replace('custom-call(%x), custom_call_target="tpu_custom_call"', "fusion(%x), calls=%begin_it")
    times = [one.times for one in traffic(again).collectives if one.devices == 4]
    assert times == [1, 10]
