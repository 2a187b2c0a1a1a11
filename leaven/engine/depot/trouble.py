"""What an error of a store elsewhere means: it passes, access is refused, there is no such thing, or it is ours.

The libraries behind fsspec raise their own classes, often wrapped, so the whole chain of causes is looked at: HTTP
status and error code first, then classes by name (none of these libraries need be installed), then Python's own.
Codes: Amazon S3 API reference, "Error responses"; HTTP: RFC 9110 §15, RFC 6585 §4 (429).
"""

from __future__ import annotations

import enum
import errno
from collections.abc import Iterator
from typing import Any

from leaven.engine.depot.address import Address, struck
from leaven.ground.errors import BadInput, LeavenError


class Kind(enum.Enum):
    """What to do about an error."""

    PASSING = "ask again"
    REFUSED = "credentials or rights"
    NO_BUCKET = "the bucket or container does not exist"
    ABSENT = "there is no such object"
    OURS = "this machine's disk"
    OTHER = "not understood"


PASSING_CODES = frozenset(
    {
        "SlowDown",
        "Throttling",
        "ThrottlingException",
        "TooManyRequests",
        "RequestLimitExceeded",
        "RequestTimeout",
        "InternalError",
        "ServiceUnavailable",
        "OperationAborted",
        "IncompleteBody",
        "BadDigest",
        "XAmzContentSHA256Mismatch",
        "NoSuchUpload",  # of an upload in parts whose answer was lost
    }
)
REFUSED_CODES = frozenset(
    {
        "AccessDenied",
        "AllAccessDisabled",
        "AccountProblem",
        "InvalidAccessKeyId",
        "SignatureDoesNotMatch",
        "ExpiredToken",
        "InvalidToken",
        "TokenRefreshRequired",
        "RequestTimeTooSkewed",
        "InvalidSecurity",
    }
)
REFUSED_CLASSES = frozenset(
    {
        "NoCredentialsError",
        "PartialCredentialsError",
        "CredentialRetrievalError",
        "ProfileNotFound",
        "TokenRetrievalError",
        "SSOTokenLoadError",
        "DefaultCredentialsError",
        "RefreshError",
        "AuthenticationException",
        "ClientAuthenticationError",
    }
)
PASSING_CLASSES = frozenset(
    {
        "HTTPClientError",
        "ConnectionError",
        "ClientConnectionError",
        "ClientPayloadError",
        "ServerDisconnectedError",
        "IncompleteRead",
        "ResponseParserError",
        "ResponseStreamingError",
        "FSTimeoutError",
        "TransportError",
        "ServiceRequestError",
        "SSHException",
        "ChecksumError",
        "FlexibleChecksumError",
    }
)
OUR_DISK = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EMFILE, errno.ENAMETOOLONG})
LASTING = frozenset({errno.EINVAL, errno.ENOSYS, errno.EPERM, errno.EISDIR, errno.ENOTDIR})


def kind_of(error: BaseException) -> Kind:
    """What an error means."""
    chain = list(_causes(error))
    for one in chain:
        told = _by_answer(one) or _by_class(one)
        if told:
            return told
    first = chain[0]
    if isinstance(first, OSError):
        if isinstance(first, FileNotFoundError):
            return Kind.ABSENT
        if isinstance(first, PermissionError):
            return Kind.REFUSED
        if first.errno in OUR_DISK:
            return Kind.OURS
        if first.errno in LASTING:
            return Kind.OTHER
        return Kind.PASSING
    return Kind.PASSING if isinstance(first, EOFError) else Kind.OTHER


def _causes(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    now: BaseException | None = error
    while now is not None and id(now) not in seen:
        seen.add(id(now))
        yield now
        now = now.__cause__ or (None if now.__suppress_context__ else now.__context__)


def _answer(error: BaseException) -> tuple[int, str]:
    """HTTP status (0: none) and error code of the server's answer."""
    response: Any = getattr(error, "response", None)
    if isinstance(response, dict):
        status = response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        code = str(response.get("Error", {}).get("Code", ""))
    else:
        status, code = getattr(error, "status", None) or getattr(error, "code", None) or 0, ""
    number = str(status)
    return int(number) if number.isdigit() else 0, code


def _by_answer(error: BaseException) -> Kind | None:
    status, code = _answer(error)
    if code == "NoSuchBucket" or "bucket does not exist" in str(error):
        return Kind.NO_BUCKET
    if code in REFUSED_CODES or (status in (401, 403) and code not in PASSING_CODES):
        return Kind.REFUSED
    if code in PASSING_CODES or status in (408, 409, 425, 429) or 500 <= status != 501:
        return Kind.PASSING
    return None


def _by_class(error: BaseException) -> Kind | None:
    names = {cls.__name__ for cls in type(error).__mro__}
    if names & REFUSED_CLASSES:
        return Kind.REFUSED
    return Kind.PASSING if names & PASSING_CLASSES or isinstance(error, TimeoutError) else None


def told(error: BaseException, kind: Kind, place: Address, what: str, tries: int) -> LeavenError:
    """The error for people: what could not be done, why, and what to do. Keys are struck out."""
    code = next((code for _, code in map(_answer, _causes(error)) if code and not code.isdigit()), "")
    if kind is Kind.NO_BUCKET:
        return BadInput(
            "there is no such bucket",
            where=place.url,
            field="--store",
            fix="Make it with your provider's own tools, or correct the name: leaven makes no buckets.",
        )
    if kind is Kind.REFUSED:
        return BadInput(
            f"access is refused ({code or type(error).__name__}) while {what}",
            where=place.url,
            field="--store",
            fix=_rights(place),
        )
    why = struck(f"{type(error).__name__}: {error}".strip(": "))
    if kind is Kind.PASSING:
        return LeavenError(
            f"{place.url}: {what} failed {tries} times, last with {why}\n"
            "  Run again when the store can be reached: it continues where it stopped."
        )
    return LeavenError(f"{place.url}: {what} failed: {why}")


def _rights(place: Address) -> str:
    if place.protocol in ("s3", "s3a"):
        return (
            "Give credentials that may list, read, write and delete there, as for any S3 client: AWS_PROFILE or "
            "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; another provider's address in AWS_ENDPOINT_URL."
        )
    if place.protocol in ("gs", "gcs"):
        return "Log in (gcloud auth application-default login) or name a key file in GOOGLE_APPLICATION_CREDENTIALS."
    return "Give a place that you may read and write, or the credentials that its file system asks for."
