"""What is asked again, for how long, and what is told at once."""

from __future__ import annotations

import errno

import pytest

from leaven.engine.depot.address import address
from leaven.engine.depot.patience import LONGEST_PAUSE, Patience, from_environment, insist
from leaven.engine.depot.trouble import Kind, kind_of
from leaven.ground.errors import BadInput, LeavenError

PLACE = address("s3://bucket/folder")


class Answered(Exception):
    """As botocore's ClientError."""

    def __init__(self, status: int, code: str = "") -> None:
        super().__init__(f"An error occurred ({code})")
        self.response = {"ResponseMetadata": {"HTTPStatusCode": status}, "Error": {"Code": code}}


class NoCredentialsError(Exception):
    """As botocore's."""


class ClientPayloadError(Exception):
    """As aiohttp's."""


class HttpError(Exception):
    """As gcsfs's."""

    def __init__(self, code: int) -> None:
        super().__init__("google says no")
        self.code = code


def caused(error: Exception, cause: Exception) -> Exception:
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (TimeoutError(), Kind.PASSING),
        (ConnectionResetError(), Kind.PASSING),
        (OSError(errno.EIO, "x"), Kind.PASSING),
        (OSError(errno.EBUSY, "Please reduce your request rate"), Kind.PASSING),
        (ClientPayloadError(), Kind.PASSING),
        (Answered(500, "InternalError"), Kind.PASSING),
        (Answered(503, "SlowDown"), Kind.PASSING),
        (Answered(400, "RequestTimeout"), Kind.PASSING),
        (Answered(429), Kind.PASSING),
        (HttpError(502), Kind.PASSING),
        (caused(OSError(errno.EINVAL, "x"), Answered(400, "IncompleteBody")), Kind.PASSING),
        (Answered(403, "InvalidAccessKeyId"), Kind.REFUSED),
        (Answered(400, "ExpiredToken"), Kind.REFUSED),
        (HttpError(401), Kind.REFUSED),
        (caused(PermissionError("Forbidden"), Answered(403, "403")), Kind.REFUSED),
        (NoCredentialsError(), Kind.REFUSED),
        (PermissionError(), Kind.REFUSED),
        (caused(FileNotFoundError("x"), Answered(404, "NoSuchBucket")), Kind.NO_BUCKET),
        (caused(FileNotFoundError("x"), Answered(404, "NoSuchKey")), Kind.ABSENT),
        (FileNotFoundError(), Kind.ABSENT),
        (OSError(errno.ENOSPC, "x"), Kind.OURS),
        (Answered(501, "NotImplemented"), Kind.OTHER),
        (OSError(errno.EINVAL, "x"), Kind.OTHER),
        (ZeroDivisionError(), Kind.OTHER),
    ],
)
def test_what_errors_mean(error, kind):
    assert kind_of(error) is kind


def failing(*errors: Exception):
    """Fails so many times, then gives 7; and the pauses that were made."""
    left, pauses = list(errors), []

    def do() -> int:
        if left:
            raise left.pop(0)
        return 7

    return do, pauses, Patience(60.0, pauses.append, lambda: sum(pauses))


def test_what_passes_is_asked_again_with_growing_pauses():
    do, pauses, patience = failing(*[ConnectionResetError()] * 8)
    assert insist(patience, PLACE, "reading x", do) == 7
    assert len(pauses) == 8
    assert 0.1 <= pauses[0] <= 0.2
    assert LONGEST_PAUSE / 2 <= pauses[-1] <= LONGEST_PAUSE


def test_patience_ends():
    do, pauses, patience = failing(*[TimeoutError("the read timed out")] * 1000)
    with pytest.raises(
        LeavenError, match=r"s3://bucket/folder: reading x failed \d+ times(.|\n)*timed out(.|\n)*Run aga"
    ):
        insist(patience, PLACE, "reading x", do)
    assert sum(pauses) <= 60


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (
            Answered(403, "SignatureDoesNotMatch"),
            r"refused \(SignatureDoesNotMatch\) while reading x(.|\n)*AWS_PROFILE",
        ),
        (NoCredentialsError("Unable to locate credentials"), r"refused(.|\n)*AWS_ACCESS_KEY_ID"),
        (Answered(404, "NoSuchBucket"), r"no such bucket(.|\n)*makes no buckets"),
    ],
)
def test_what_does_not_pass_is_told_at_once(error, words):
    do, pauses, patience = failing(error)
    with pytest.raises(BadInput, match=words):
        insist(patience, PLACE, "reading x", do)
    assert not pauses


def test_absence_and_this_machines_disk_are_the_callers(monkeypatch):
    for error, expected in ((FileNotFoundError(), FileNotFoundError), (OSError(errno.ENOSPC, "full"), OSError)):
        do, pauses, patience = failing(error)
        with pytest.raises(expected):
            insist(patience, PLACE, "reading x", do)
        assert not pauses


def test_no_key_is_in_a_message(monkeypatch):
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI/K7MDENG")
    do, _, patience = failing(ZeroDivisionError("with wJalrXUtnFEMI/K7MDENG"))
    with pytest.raises(LeavenError) as told:
        insist(patience, PLACE, "reading x", do)
    assert "wJalr" not in str(told.value)
    assert told.value.__suppress_context__


def test_the_environment_says_how_patient(monkeypatch):
    monkeypatch.setenv("LEAVEN_STORE_PATIENCE", "7")
    assert from_environment().seconds == 7
    for text in ("-1", "soon", "inf", "nan", "0"):
        monkeypatch.setenv("LEAVEN_STORE_PATIENCE", text)
        with pytest.raises(BadInput, match="LEAVEN_STORE_PATIENCE"):
            from_environment()
