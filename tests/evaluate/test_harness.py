"""lm-eval is offline unless the user names the hub, and stays so where the user said so."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

PROGRAM = """
import leaven.evaluate.harness
import huggingface_hub.constants as constants
from leaven.corpus.hub.snapshot import ask_the_hub, is_offline
print(is_offline(), constants.HF_HUB_OFFLINE)
ask_the_hub()
print(is_offline(), constants.HF_HUB_OFFLINE)
"""


@pytest.mark.parametrize(("said", "after"), [({}, "False False"), ({"HF_HUB_OFFLINE": "1"}, "True True")])
def test_the_hub_may_be_asked_only_where_the_user_did_not_forbid_it(said, after):
    unset = {name: value for name, value in os.environ.items() if not name.startswith(("HF_", "LEAVEN_OFFLINE"))}
    found = subprocess.run(
        [sys.executable, "-c", PROGRAM], env=unset | said, capture_output=True, text=True, check=True
    )
    assert found.stdout.splitlines() == ["True True", after]
