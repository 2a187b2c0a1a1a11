"""Public IP addresses, each replaced by one of five private ones of its family; the same one for the same address."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from ipaddress import AddressValueError, IPv4Address, IPv4Network, IPv6Address, IPv6Network

from leaven.corpus.redact.table import TABLE, Span
from leaven.ground.canonical import key64

_LIMITS = TABLE["addresses"]
_PRIVATE = tuple(IPv4Network(each) for each in _LIMITS["private"])
_PRIVATE6 = tuple(IPv6Network(each) for each in _LIMITS["private6"])
_MAYBE_V4 = re.compile(r"\.(?<=[0-9]\.)[0-9]{1,3}\.[0-9]{1,3}\.[0-9]")
_V4 = re.compile(r"(?<![\w.-])(?:[0-9]{1,3}\.){3}[0-9]{1,3}(?![\w-]|\.[0-9A-Za-z])")
_MAYBE_V6 = re.compile(r":(?<=[23][0-9a-fA-F]{3}:)(?:[0-9a-fA-F]{1,4}+)?:")
_V6 = re.compile(r"(?<![\w.:])[0-9a-fA-F:]{4,39}+(?![\w.:])")
_VERSION_REACH = 20
_LINE_REACH = 80


def addresses(text: str) -> Iterator[Span]:
    """Every address of the public internet, but the 14 name servers everybody uses."""
    yield from _fours(text)
    yield from _sixes(text)


def _fours(text: str) -> Iterator[Span]:
    match = _MAYBE_V4.search(text)
    while match:
        start = match.start()
        while start and match.start() - start < 3 and "0" <= text[start - 1] <= "9":
            start -= 1
        found = _V4.match(text, start)
        if found and _is_public(found[0]) and not _is_version(text, found):
            yield Span(start, found.end(), "IP_ADDRESS", _private(found[0], "ipv4"))
        match = _MAYBE_V4.search(text, found.end() if found else match.start() + 1)


def _sixes(text: str) -> Iterator[Span]:
    match = _MAYBE_V6.search(text)
    while match:
        found = _V6.match(text, match.start() - 4)
        if found and _is_public6(found[0]):
            yield Span(found.start(), found.end(), "IP_ADDRESS", _private(found[0], "ipv6"))
        match = _MAYBE_V6.search(text, found.end() if found else match.start() + 1)


def _is_version(text: str, found: re.Match[str]) -> bool:
    """Whether four numbers are likelier those of a version, a section or an object identifier than an address.

    After a word for a version they are. Four single digits are an address only where name servers are spoken of
    (StarCoder's rule); four numbers below 100 only where their line speaks of networks.
    """
    before = text[max(0, found.start() - _LINE_REACH) : found.start()].rpartition("\n")[2].lower()
    if any(word in before[-_VERSION_REACH:] for word in _LIMITS["version_words"]):
        return True
    if len(found[0]) == 7:
        around = text[max(0, found.start() - 100) : found.end() + 100].lower()
        return "dns" not in around and "server" not in around
    if all(len(number) < 3 for number in found[0].split(".")):
        line = before + text[found.end() : found.end() + _LINE_REACH].partition("\n")[0].lower()
        return not before.endswith(("://", "@")) and not any(word in line for word in _LIMITS["network_words"])
    return False


@lru_cache(4096)
def _is_public(address: str) -> bool:
    if address in _LIMITS["dns"]:
        return False
    try:
        parsed = IPv4Address(address)
    except AddressValueError:
        return False
    return not any(parsed in network for network in _PRIVATE)


def _is_public6(address: str) -> bool:
    try:
        parsed = IPv6Address(address)
    except AddressValueError:
        return False
    return not any(parsed in network for network in _PRIVATE6)


@lru_cache(4096)
def _private(address: str, family: str) -> str:
    choices: list[str] = _LIMITS[family]
    return choices[key64("redact/address", address) % len(choices)]
