from __future__ import annotations

import sys

import pytest

from leaven.engine.metrics.sink import KINDS, openers
from leaven.ground.errors import BadInput


def test_no_sink_is_none_and_an_unknown_one_is_said() -> None:
    assert openers("") == openers(" , ") == []
    with pytest.raises(BadInput, match=r'no metrics sink "tensorbord".*tensorboard'):
        openers("wandb,tensorbord")


@pytest.mark.parametrize("name", KINDS)
def test_a_package_that_is_not_installed_says_how_to_get_it(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, KINDS[name].package, None)
    with pytest.raises(BadInput) as error:
        openers(name)
    assert f'pip install "leaven[{KINDS[name].extra}]"' in error.value.fix
