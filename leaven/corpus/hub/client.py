"""The hub's own library, asked for only where the network is needed, and what its errors mean for the user.

No message repeats an address or a header: they may hold a token or a signed link.
"""

from __future__ import annotations

import importlib
import os
from typing import Any

from leaven.ground.errors import BadInput, LeavenError

_TRANSPORTS = ("httpx", "httpx2", "httpcore", "httpcore2", "requests", "urllib3")


def library() -> Any:
    """`huggingface_hub`, silent. Raises BadInput where it is not installed."""
    try:
        for part in ("utils", "hf_api"):  # the library loads its parts when they are named
            importlib.import_module(f"huggingface_hub.{part}")
        hub: Any = importlib.import_module("huggingface_hub")
    except ImportError:
        raise BadInput(
            "data sets of the hub need the library huggingface_hub",
            fix="pip install 'leaven[hub]'; or download the data set elsewhere and give its folder by path.",
        ) from None
    hub.utils.logging.set_verbosity_error()
    return hub


def endpoint() -> str | None:
    """The hub that `HF_ENDPOINT` names; None is the public one. It is no part of any identity."""
    return os.environ.get("HF_ENDPOINT", "").rstrip("/") or None


def status(error: BaseException) -> int | None:
    """The HTTP status an error carries."""
    code = getattr(getattr(error, "response", None), "status_code", None)
    return code if isinstance(code, int) else None


def is_transient(error: Exception) -> bool:
    """Whether asking again may help: a broken or refused connection, an overloaded or failing server."""
    code = status(error)
    if code is not None:
        return code in (408, 425, 429) or code >= 500
    if isinstance(error, (FileNotFoundError, LeavenError)):
        return False
    return isinstance(error, OSError) or type(error).__module__.partition(".")[0] in _TRANSPORTS


def explained(error: Exception, dataset: str, what: str) -> LeavenError:
    """What `error` means for somebody who asked for `what` ("its files") of `dataset`."""
    if isinstance(error, LeavenError):
        return error
    kind, code = type(error).__name__, status(error)
    if kind == "GatedRepoError":
        return BadInput(
            f"{dataset} asks its readers to accept conditions first",
            fix="Accept them on the data set's page, then log in (hf auth login, or HF_TOKEN in the environment).",
        )
    if kind == "RevisionNotFoundError":
        return BadInput(f"{dataset} has no such revision", fix="Give a branch, a tag or a full commit of its history.")
    if kind == "DisabledRepoError":
        return BadInput(f"{dataset} was taken off the hub", fix="A snapshot that somebody has is given by path.")
    if kind in ("RemoteEntryNotFoundError", "EntryNotFoundError"):
        return BadInput(f"{dataset} has not got {what}", fix="Look at the list of files on the data set's page.")
    if kind == "RepositoryNotFoundError" or code in (401, 403, 404) or isinstance(error, FileNotFoundError):
        return BadInput(
            f"{dataset} is not on the hub, or is private and you are not logged in",
            fix="Check the name; log in for a private one (hf auth login, or HF_TOKEN in the environment).",
        )
    reason = f"answered {code}" if code is not None else "cannot be reached"
    return LeavenError(
        f"the hub {reason} when asked for {what} of {dataset}\n"
        "  Run again later: what is built is kept. Without a network: HF_HUB_OFFLINE=1 reads snapshots that are here,\n"
        "  and a folder with the data set's files is given by path."
    )
