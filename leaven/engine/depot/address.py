"""Where a depot is: a URL, how it is shown, and the file system behind it.

A password in a URL never leaves this process as text: it is moved into the environment (`PASSWORD`), from where the
processes of this machine inherit it, and orders, logs and messages carry the URL without it.
"""

from __future__ import annotations

import importlib
import os
import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from leaven.ground.errors import BadInput, did_you_mean
from leaven.ground.secret import Secret

PASSWORD = "LEAVEN_STORE_PASSWORD"
"""Variable of the environment that holds the password of a store's URL."""
SECRETS = (PASSWORD, "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_ACCESS_KEY_ID", "AZURE_STORAGE_ACCOUNT_KEY")
"""Variables whose values are struck out of everything that is said."""
OBJECTS = frozenset({"s3", "s3a", "gs", "gcs", "az", "abfs", "abfss", "adl", "oss", "oci", "memory"})
"""Protocols of object stores: an object appears whole when its upload ends, and moving one is a copy."""
EXTRAS = {"s3": "s3", "s3a": "s3", "gs": "gs", "gcs": "gs"}
KNOWN = ("s3", "gs", "file", "sftp", "memory", "az", "hdfs", "smb")

_URL = re.compile(r"(?P<protocol>[A-Za-z][A-Za-z0-9+.-]*)://(?P<rest>.*)", re.DOTALL)
# After a colon digits are a port. A password may hold @ or /, though both should be escaped.
_USER = re.compile(r"(?P<user>[^/@:]*):(?!\d+(?:/|$))(?P<password>[^/]*|[^@]*)@(?P<rest>.*)", re.DOTALL)
_SHOWN_PASSWORD = re.compile(r"(://[^/@:\s]*):(?!\d+(?:/|\s|$))(?:[^/\s]*|[^@\s]*)@")


def is_url(text: str) -> bool:
    """Whether the text names a store elsewhere and not a path. Raises BadInput for what is neither."""
    if re.match(r"[A-Za-z][A-Za-z0-9+.-]+:/(?!/)", text):
        raise BadInput("a URL has two slashes after its colon", field="--store", fix=f"Write {_two_slashes(text)}.")
    return bool(_URL.fullmatch(text))


def _two_slashes(text: str) -> str:
    protocol, _, rest = text.partition(":/")
    return _SHOWN_PASSWORD.sub(r"\1@", f"{protocol}://{rest}")


@dataclass(frozen=True)
class Address:
    """A depot's URL without its password: it may be shown and written."""

    url: str
    protocol: str

    @property
    def whole_objects(self) -> bool:
        """Whether what is uploaded appears whole under its name."""
        return self.protocol in OBJECTS

    @property
    def is_local(self) -> bool:
        return self.protocol in ("file", "local")

    @property
    def many_at_once(self) -> bool:
        """Whether the file system may be used by several threads."""
        return self.is_local or self.protocol in ("s3", "s3a", "gs", "gcs", "memory")


def address(url: str) -> Address:
    """The address of a URL; a password in it moves into the environment. Raises BadInput."""
    found = _URL.fullmatch(url.strip())
    if not found or not found["rest"].strip("/") or "::" in url:
        raise BadInput(
            f"{struck(url)} is not the URL of a store",
            field="--store",
            fix="Write it like s3://bucket/folder, gs://bucket/folder, sftp://host/folder or file:///folder.",
        )
    protocol, rest = found["protocol"].lower(), found["rest"].rstrip("/")
    user = _USER.fullmatch(rest)
    if user:
        os.environ[PASSWORD] = unquote(user["password"])
        rest = f"{user['user']}@{user['rest']}"
    return Address(f"{protocol}://{rest}", protocol)


def open_system(place: Address) -> tuple[Any, str]:
    """The file system (fsspec's) of an address, and the path of the depot in it. Nothing is asked over a network.

    A process of its own opens its own: none of these survive a fork. Raises BadInput.
    """
    fsspec = _fsspec(place)
    # What was listed a moment ago may have changed since: other machines write here.
    options: dict[str, Any] = {"use_listings_cache": False, "skip_instance_cache": True}
    password = os.environ.get(PASSWORD, "")
    if password and "@" in place.url.partition("://")[2].partition("/")[0]:
        options["password"] = password
    if place.is_local:
        options["auto_mkdir"] = True
    try:
        system, path = fsspec.core.url_to_fs(place.url, **options)
    except ImportError as error:
        raise BadInput(f"stores at {place.protocol}:// need a package: {error}", fix=how_to_install(place)) from None
    except (ValueError, TypeError) as error:
        raise BadInput(struck(str(error)), where=place.url, field="--store", fix=_known(place.protocol)) from None
    return system, str(path).rstrip("/")


def _fsspec(place: Address) -> Any:
    try:
        importlib.import_module("fsspec.core")
        fsspec = importlib.import_module("fsspec")
    except ImportError:
        raise BadInput(f"stores at {place.protocol}:// need fsspec", fix=how_to_install(place)) from None
    return fsspec


def how_to_install(place: Address) -> str:
    """What to do where a depot's package is missing."""
    extra = EXTRAS.get(place.protocol)
    return f'Install it: pip install "leaven[{extra}]"' if extra else "Install that package beside leaven."


def _known(protocol: str) -> str:
    return f"{protocol}:// cannot be opened{did_you_mean(protocol, KNOWN)}."


def struck(text: str) -> str:
    """`text` without the passwords of URLs and without the secrets of the environment."""
    for name in SECRETS:
        if value := os.environ.get(name):
            text = Secret(value).struck_from_reply(text)
    return _SHOWN_PASSWORD.sub(r"\1@", text)
