"""Data sets of the Hugging Face hub: a pinned revision, its files, each as a stream or from a local snapshot."""

from leaven.corpus.hub.address import Address
from leaven.corpus.hub.choose import choose
from leaven.corpus.hub.listing import RemoteEntry, fingerprint, listing
from leaven.corpus.hub.revision import resolve
from leaven.corpus.hub.snapshot import is_offline, require_local
from leaven.corpus.hub.stream import open_remote

__all__ = [
    "Address",
    "RemoteEntry",
    "choose",
    "fingerprint",
    "is_offline",
    "listing",
    "open_remote",
    "require_local",
    "resolve",
]
