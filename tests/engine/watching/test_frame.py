"""The picture: everything in it fits, what matters stays where there is little room, nothing steers the terminal."""

from __future__ import annotations

import pytest

from leaven.corpus.look.visible import cells
from leaven.engine.watching.curves import Curves
from leaven.engine.watching.frame import MOST, frame
from leaven.engine.watching.plot import BRAILLE, MARKS, Curve, plot
from leaven.ground.tables import write_table
from tests.engine.watching.scene import outlined

TEXT = "text-only/seed-1/pretrain"
CODE = "code→text/seed-1/pretrain"
FAILING = "no-code/seed-1/pretrain"


def lines(scene, width=80, height=None) -> list[str]:
    view = scene.look()
    tracks, count = Curves(scene.store).of(view, MOST)
    return [line.plain for line in frame(view, tracks, count, width, height)]


def test_a_run_under_way(training):
    text = "\n".join(lines(training))
    assert "micro · running · 1:15 gone · about 2:05 left" in text
    assert "2 of 21 steps · 2 running · 1 failed · 3 blocked · 13 waiting" in text
    assert "200 tok/s on average" in text
    assert "text-only  1 ◐·│· 40%" in text
    assert "no-code    1 ✗–│–" in text
    assert "✗ no-code/seed-1/pretrain failed: the loss is no number after step 12\n" in text
    assert "leaven logs no-code/seed-1/pretrain --study micro" in text
    assert "A lower peak" not in text
    assert "a text-only seed 1" in text
    assert "bpb text 1.638, web_code 1.092" in text


@pytest.mark.parametrize("height", [8, 10, 12, 16])
@pytest.mark.parametrize("width", [40, 60, 100])
def test_on_a_small_screen_failures_and_a_step_under_way_stay(training, width, height):
    drawn = lines(training, width, height)
    assert any(line.startswith("✗ no-code/seed-1/pretrain") for line in drawn)
    if height >= 12 or width == 100:
        assert any(line.startswith("text-only/seed-1/") and "━" in line for line in drawn)
        assert any(line.startswith("  leaven logs") for line in drawn)


def test_before_it_began(scene):
    assert lines(scene) == ["micro · has not been run"]


@pytest.mark.parametrize("width", [40, 60, 80, 120, 200])
@pytest.mark.parametrize("height", [None, 4, 10, 24, 50])
def test_every_line_fits(training, width, height):
    drawn = lines(training, width, height)
    assert max(map(cells, drawn)) <= width
    assert height is None or len(drawn) <= height


def test_what_goes_on_stays_where_there_is_no_room_for_all(scene):
    names = tuple(f"variant-{number:02d}" for number in range(40))
    scene.outline = outlined(names)
    scene.plan()
    scene.hold()
    scene.status({"variant-37/seed-2/pretrain": 0.5}, failed={"variant-20/seed-1/pretrain": "why"})
    text = "\n".join(lines(scene, 80, 24))
    assert "variant-37  1 ··│·      2 ◐·│· 50%" in text
    assert "variant-20  1 ✗–│–" in text
    assert "more variants" in text
    assert len([line for line in lines(scene) if line.startswith("variant-") and " 1 " in line]) == 40


def test_more_seeds_than_fit(scene):
    scene.outline = outlined(("only",), tuple(range(1, 30)))
    scene.plan()
    row = next(line for line in lines(scene) if line.startswith("only"))
    assert row.endswith("seeds")
    assert cells(row) <= 80


def test_names_and_notes_steer_no_terminal(scene):
    bad = "evil\x1b]0;x\x07\u202e[red]"
    scene.outline = outlined((bad, "other"))
    scene.plan()
    scene.hold()
    scene.status({f"{bad}/seed-1/pretrain": 0.5}, failed={"other/seed-1/pretrain": "\x1b[2J gone"}, where="\x1b[H")
    scene.event("run_started", process=1)
    scene.measured(f"{bad}/seed-1/pretrain", 200)
    scene.measured(f"{bad}/seed-1/pretrain", 400)
    for width in (60, 80, 300):
        text = "".join(lines(scene, width))
        assert all(mark not in text for mark in "\x1b\x07\u202e")
        assert "\\x1b" in text


def test_a_finished_stage_is_drawn_from_its_results(training):
    training.done(TEXT)
    folder = training.store.folder(training.identity(TEXT))
    import pyarrow as pa

    curve = {"tokens": [1000, 2000], "train_loss": [3.0, 1.25], "bpb_text": [None, 0.5]}
    kinds = {"tokens": pa.int64(), "train_loss": pa.float64(), "bpb_text": pa.float64()}
    write_table(folder / "curve.parquet", curve, pa.schema(list(kinds.items())))
    training.measured("text-only/seed-1/cooldown", 200)
    view = training.look()
    track = next(one for one in Curves(training.store).of(view)[0] if one.label == "text-only seed 1")
    assert track.stages == (TEXT, "text-only/seed-1/cooldown")
    assert track.loss[:2] == [(1000, 3.0), (2000, 1.25)]
    assert track.loss[2][0] == 2200
    assert track.bpb["text"][0] == (2000, 0.5)
    assert [at for at, _ in track.mean_bpb()] == [2200]


def test_what_runs_have_in_common_is_one_curve(scene):
    scene.outline["runs"][1]["stages"][0] = scene.outline["runs"][0]["stages"][0]
    scene.plan()
    scene.measured(TEXT, 200)
    tracks, count = Curves(scene.store).of(scene.look())
    assert ([track.label for track in tracks], count) == (["text-only, code→text seed 1"], 1)
    scene.measured("code→text/seed-1/cooldown", 200)
    tracks, count = Curves(scene.store).of(scene.look())
    assert ([track.label for track in tracks], count) == (["code→text seed 1"], 1)


def signs(scene) -> dict[str, tuple[str, str]]:
    """By what a curve is of: its letter and its colour, as drawn below the plots."""
    tracks, count = Curves(scene.store).of(scene.look(), MOST)
    found = {}
    for line in frame(scene.look(), tracks, count, 80):
        for track in tracks:
            if line.plain[1:].startswith(f" {track.label} ") and line.plain[0] in MARKS:
                found[track.label] = (line.plain[0], str(line.spans[0].style))
    assert len(found) == len(tracks)
    return found


def test_a_curve_keeps_its_letter_and_colour_while_others_come_and_go(training):
    seen = signs(training)
    assert seen["text-only seed 1"][0] == "a"
    for name in ("text-only/seed-2/pretrain", FAILING, "text-only/seed-1/cooldown", "code→text/seed-1/cooldown"):
        training.measured(name, 900)
        now = signs(training)
        assert now.items() >= seen.items()
        assert len(set(now.values())) == len(now)
        seen = now
    assert len(seen) == 4


def test_curves_of_more_runs_than_there_are_letters_have_one_each(scene):
    scene.outline = outlined(tuple(f"v{number}" for number in range(20)), (1,))
    scene.plan()
    for number in (1, 7, 13, 2, 3, 8):
        scene.measured(f"v{number}/seed-1/pretrain", 200)
    assert {label: sign for label, (sign, _) in signs(scene).items()} == {
        "v1 seed 1": "b",
        "v2 seed 1": "c",
        "v3 seed 1": "d",
        "v7 seed 1": "a",
        "v8 seed 1": "e",
        "v13 seed 1": "f",
    }


def test_a_line_from_corner_to_corner():
    drawn = plot([Curve([(0, 2.0), (100, 1.0)], "red", "a")], 40, 8, "loss")
    assert len(drawn) == 8 + 3
    rows = [line.plain for line in drawn[1:9]]
    assert (rows[0][:8], rows[-1][:8]) == ("  2.00 ┤", "  1.00 ┤")
    first = [next(place for place, sign in enumerate(row[8:]) if ord(sign) > BRAILLE) for row in rows]
    assert first == sorted(first)
    assert first[0] == 0
    assert rows[-1].rstrip().endswith("a")
    assert drawn[-1].plain.endswith("100 tokens")


def test_plots_of_nothing_and_of_one_value():
    assert len(plot([], 40, 5, "loss")) == 8
    assert len(plot([Curve([], "red", "a")], 40, 5, "loss")) == 8
    flat = [line.plain for line in plot([Curve([(0, 1.0), (10, 1.0)], "red", "a")], 40, 5, "loss", 20)]
    assert "1.50" in flat[1]
    assert "0.50" in flat[5]
    assert "20 tokens" in flat[-1]


def test_the_fall_at_the_beginning_does_not_flatten_the_rest():
    points = [(float(at), 50.0 if at < 5 else 2.0 + (100 - at) / 100) for at in range(101)]
    top = plot([Curve(points, "red", "a")], 40, 8, "loss")[1].plain
    assert "2.90" in top
