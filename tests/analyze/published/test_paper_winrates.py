from __future__ import annotations

import pytest

from leaven.analyze.published.paper_winrates import ROWS, checks, counts


def test_counts_of_the_figures() -> None:
    assert [counts(row) for row in ROWS] == [
        (96, 44, 59),
        (104, 37, 58),
        (65, 71, 63),
        (75, 69, 55),
        (73, 67, 59),
        (64, 51, 84),
        (69, 56, 74),
    ]


def test_every_percentage_and_p_comes_out_again() -> None:
    found = checks()
    by_group: dict[str, list[bool | None]] = {}
    for check in found:
        by_group.setdefault(check.group, []).append(check.ok)
    assert by_group["percentages"] == [True] * 21
    assert by_group["prompts"] == [True] * 7
    assert by_group["sign tests"] == [True] * 7


def test_only_what_the_paper_prints_is_published() -> None:
    assert {check.group for check in checks() if check.elsewhere} == {"prompts", "sign tests"}
    assert sum(check.published is not None for check in checks()) == 21 + 4
    assert all((check.published is None) is bool(check.elsewhere) for check in checks())
    assert [check.elsewhere for check in checks() if check.group == "sign tests"][:3] == ["< 0.001", "< 0.001", "0.67"]


def test_what_the_text_says() -> None:
    half, net, losses, prompts = (check for check in checks() if check.group == "text")
    assert half.ok
    assert half.ours == pytest.approx(53.27, abs=0.01)
    assert (net.ok, round(net.ours or 0, 2)) == (False, 6.53)
    assert "13/199" in net.defect
    assert (losses.ok, round(losses.ours or 0, 2)) == (False, 34.67)
    assert "typing error" in losses.defect
    assert (prompts.published, prompts.ours, prompts.ok) == (200, 199, False)


def test_ours_stand_beside() -> None:
    last = [check for check in checks() if check.group == "sign tests"][-1]
    assert last.note.startswith("69 won, 56 lost, 74 tied: net +6.5 [-4.")
    assert last.note.endswith("half 53.3 %")
    assert checks() == checks()
