"""A language model that knows nothing and always says the same, and the real benchmark files."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest
from lm_eval.api.model import TemplateLM


class Chance(TemplateLM):
    """Byte tokens; a likelihood is a hash of the tokens asked, so lm-eval's own encoding decides what is equal."""

    backend = "causal"

    @property
    def eot_token_id(self):
        return 0

    def tok_encode(self, string, add_special_tokens=None, **kwargs):
        return list(string.encode())

    def _loglikelihood_tokens(self, requests, disable_tqdm=False, **kwargs):
        return [(-self._draw(context, continuation) * len(continuation), False)
                for _, context, continuation in requests]  # fmt: skip

    def loglikelihood_rolling(self, requests, disable_tqdm=False):
        return [-self._draw([], list(request.args[0].encode())) for request in requests]

    def generate_until(self, requests, disable_tqdm=False):
        return [f" answer {int(self._draw([], list(request.args[0].encode())) * 10)}" for request in requests]

    @staticmethod
    def _draw(context, continuation):
        digest = hashlib.sha256(bytes(context) + b"\xff" + bytes(continuation)).digest()
        return 0.1 + int.from_bytes(digest[:6], "little") / 2**48


@pytest.fixture
def chance() -> Chance:
    return Chance()


@pytest.fixture(scope="session")
def benchdata() -> str:
    folder = Path(os.environ.get("LEAVEN_SHARED", Path(__file__).parents[3] / "../shared")) / "benchdata"
    if not folder.is_dir():
        pytest.skip(
            "no shared benchmark files: benchdata is not beside the checkout and LEAVEN_SHARED does not name it"
        )
    return str(folder)
