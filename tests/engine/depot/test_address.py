"""URLs of stores, and that no secret of theirs is shown or written."""

from __future__ import annotations

import json
import os

import pytest

from leaven.engine.depot.address import PASSWORD, address, is_url, open_system, struck
from leaven.engine.stores import opened, place
from leaven.ground.errors import BadInput


@pytest.fixture(autouse=True)
def no_password(monkeypatch):
    monkeypatch.setenv(PASSWORD, "")


@pytest.mark.parametrize(
    ("text", "expected"),
    [("s3://b/f", True), ("file:///x", True), ("runs/store", False), ("/abs", False), ("C", False), ("a:b", False)],
)
def test_what_is_a_url(text, expected):
    assert is_url(text) is expected


def test_one_slash_too_few():
    with pytest.raises(BadInput, match="s3://bucket"):
        is_url("s3:/bucket")


@pytest.mark.parametrize("url", ["s3://", "s3:///", "simplecache::s3://b/f", "nothing"])
def test_what_names_no_store(url):
    with pytest.raises(BadInput, match="is not the URL of a store"):
        address(url)


def test_a_password_is_neither_in_the_address_nor_in_what_other_processes_are_told(tmp_path):
    for written in ("se%40cret%2Fx", "se@cret%2Fx", "se%40cret/x"):
        url = f"sftp://ann:{written}@host:22/folder"
        mirror = place(url, tmp_path)
        assert "cret" not in json.dumps(mirror.where())
        assert "cret" not in struck(f"cannot open {url} now")
        assert mirror.where()["url"] == "sftp://ann@host:22/folder"
        assert os.environ[PASSWORD] == "se@cret/x"
        assert opened(mirror.where()).where()["url"] == "sftp://ann@host:22/folder"


def test_a_port_is_no_password():
    assert address("sftp://host:22/folder@home").url == "sftp://host:22/folder@home"
    assert os.environ[PASSWORD] == ""


def test_a_password_reaches_the_file_system(monkeypatch):
    seen = {}

    def url_to_fs(url, **options):
        seen.update(options, url=url)
        return object(), "folder"

    monkeypatch.setattr("fsspec.core.url_to_fs", url_to_fs)
    open_system(address("sftp://ann:secret@host/folder"))
    assert (seen["url"], seen["password"]) == ("sftp://ann@host/folder", "secret")


def test_what_is_said_is_struck(monkeypatch):
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI/K7MDENG")
    said = struck("at sftp://ann:secret@host/f with wJalrXUtnFEMI/K7MDENG or wJalrXUtnFEMI%2FK7MDENG")
    assert said == "at sftp://ann@host/f with [key] or [key]"


def test_a_protocol_that_nobody_knows():
    with pytest.raises(BadInput, match=r"s4://(.|\n)*known: s3, gs"):
        open_system(address("s4://bucket/folder"))


def test_a_package_that_is_missing_is_named(monkeypatch):
    def missing(url, **options):
        raise ImportError("Install s3fs to access S3")

    monkeypatch.setattr("fsspec.core.url_to_fs", missing)
    with pytest.raises(BadInput, match=r'pip install "leaven\[s3\]"'):
        open_system(address("s3://bucket/folder"))
    with pytest.raises(BadInput, match=r'pip install "leaven\[gs\]"'):
        open_system(address("gs://bucket/folder"))
