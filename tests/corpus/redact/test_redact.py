"""What is taken out of documents, and what stays."""

from __future__ import annotations

import base64
import hashlib
import time
from collections import Counter
from ipaddress import IPv4Address, ip_address
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leaven.corpus.redact import VERSION, redact
from leaven.corpus.redact.addresses import addresses
from leaven.corpus.redact.chance import english, entropy, looks_random, sequential
from leaven.corpus.redact.formats import FORMATS, long_runs
from leaven.corpus.redact.table import TABLE


def chance(
    length: int, alphabet: str = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", seed: str = ""
) -> str:
    """Characters without meaning, made here so that no key stands in this file."""
    numbers = b"".join(hashlib.sha256(f"{seed}{n}".encode()).digest() for n in range(length // 32 + 1))
    return "".join(alphabet[byte % len(alphabet)] for byte in numbers[:length])


HEX = "0123456789abcdef"
KEYS = {
    "AWS": "AKIA" + chance(16, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"),
    "GitHub": "ghp_" + chance(36),
    "GitHub fine-grained": "github_pat_" + chance(82),
    "GitLab": "glpat-" + chance(20),
    "Slack": "xoxb-" + chance(12, "0123456789") + "-" + chance(24),
    "Stripe": "sk_live_" + chance(24),
    "Google": "AIza" + chance(35),
    "Google client": "GOCSPX-" + chance(28),
    "JWT": "eyJ" + chance(20) + ".eyJ" + chance(40) + "." + chance(43),
    "npm": "npm_" + chance(36),
    "PyPI": "pypi-AgE" + chance(80),
    "SendGrid": "SG." + chance(22) + "." + chance(43),
    "Mailchimp": chance(32, HEX) + "-us12",
    "Twilio": "SK" + chance(32, HEX),
    "Hugging Face": "hf_" + chance(34),
    "DigitalOcean": "dop_v1_" + chance(64, HEX),
    "Databricks": "dapi" + chance(32, HEX),
    "Shopify": "shpat_" + chance(32, HEX),
}


@pytest.mark.parametrize("name", KEYS)
def test_keys_of_a_known_form(name: str) -> None:
    for text in (f"x = '{KEYS[name]}'\n", KEYS[name], f"({KEYS[name]})"):
        redacted, found = redact(text)
        assert found == {"KEY": 1}
        assert redacted == text.replace(KEYS[name], "<KEY>")


@pytest.mark.parametrize(
    ("text", "redacted"),
    [
        (f"sk-{chance(48)}", "sk-<KEY>"),
        (f"sk-proj-{chance(48)}", "sk-proj-<KEY>"),
        ("class='sk-fading-circle-container-element'", None),
        ("sk-estimator-doc-link-fitted-hover-span", None),
        (f"12345678:AA{chance(33)}", "12345678:<KEY>"),
        (
            f"https://hooks.slack.com/services/T0{chance(8)}/B0{chance(8)}/{chance(24)}",
            "https://hooks.slack.com/services/<KEY>",
        ),
        (f"AccountKey={chance(86)}==;", "AccountKey=<KEY>;"),
        ("AKIAIOSFODNN7EXAMPLE", None),
        ("the_ghp_token_of_a_repository_in_which_all_is_well", None),
    ],
)
def test_other_forms(text: str, redacted: str | None) -> None:
    assert redact(text)[0] == (redacted or text)


def test_blocks_of_private_keys() -> None:
    body = "\n".join(chance(64, seed=str(n)) for n in range(20))
    for kind in ("RSA ", "EC ", "OPENSSH ", "ENCRYPTED ", "", "PGP "):
        head = f"-----BEGIN {kind}PRIVATE KEY-----\n"
        tail = f"\n-----END {kind}PRIVATE KEY-----\n"
        assert redact(f"a\n{head}{body}{tail}b") == (f"a\n{head}<KEY>{tail}b", Counter(KEY=1))
    words = "x = '-----BEGIN PRIVATE KEY-----' + body + '-----END PRIVATE KEY-----'"
    assert redact(words)[0] == words
    public = f"-----BEGIN PUBLIC KEY-----\n{body}\n-----END PUBLIC KEY-----"
    assert redact(public)[0] == public


@pytest.mark.parametrize(
    ("text", "redacted"),
    [
        ("mail ann.lee+news@mail.acme.co.uk now", "mail <EMAIL> now"),
        ("<ann@acme.io>, bob_b@acme.io", "<<EMAIL>>, <EMAIL>"),
        ("mailto:ann@acme.io.", "mailto:<EMAIL>."),
        ("E<lt>ann@acme.orgE<gt>", "E<lt><EMAIL>E<gt>"),
        ("zoë@acme.de", "<EMAIL>"),
        *(
            (text, None)
            for text in (
                "user@example.com",
                "ann@mail.example.org",
                "ann@host.local",
                "git@github.com:owner/name.git",
                "noreply@acme.io",
                "logo@2x.png",
                "photo@large.jpeg",
                "lodash@4.17.min.js",
                "@app.route('/')",
                "a @ b.com",
                "x@y",
                "ssh://ann@host.acme.io/",
            )
        ),
    ],
)
def test_emails(text: str, redacted: str | None) -> None:
    assert redact(text)[0] == (redacted or text)


@pytest.mark.parametrize(
    "address",
    ["93.184.216.34", "151.101.1.69", "185.199.108.153", "2a03:2880:f12f:83:face:b00c:0:25de", "2607:f8b0:4004::200e"],
)
def test_public_addresses(address: str) -> None:
    redacted, found = redact(f"connect('{address}')  # {address}\n")
    new = redacted.split("'")[1]
    assert found == {"IP_ADDRESS": 2}
    assert redacted.count(new) == 2
    assert ip_address(new).is_private
    family = TABLE["addresses"]["ipv4" if isinstance(ip_address(address), IPv4Address) else "ipv6"]
    assert new in family
    assert len(family) == 5
    assert redact(redacted) == (redacted, Counter())


@pytest.mark.parametrize(
    "text",
    [
        *TABLE["addresses"]["dns"],
        *(
            "127.0.0.1",
            "10.1.2.3",
            "172.31.0.1",
            "192.168.1.1",
            "169.254.1.1",
            "0.0.0.0",
            "255.255.255.0",
            "203.0.113.9",
        ),
        *("::1", "fe80::1", "fd00:1::2", "2001:db8::1", "std::abs", "face::Add(dead::beef)", "12:30:45", "2023:10:12"),
        *(
            "256.1.1.300",
            "1.3.6.1.4.1.311",
            "v151.101.1.69",
            "version 151.101.1.69",
            "300.300.300.300",
            "151.101.1.69.4",
        ),
        *("1.2.3.4", "see 3.2.2.10", "08.10.20.130"),
    ],
)
def test_addresses_that_stay(text: str) -> None:
    assert redact(f" {text} ") == (f" {text} ", Counter())


def test_single_digits_are_an_address_where_servers_are_spoken_of() -> None:
    assert redact("dns server 4.2.2.1")[1] == {"IP_ADDRESS": 1}
    assert redact("host 23.32.45.61")[1] == {"IP_ADDRESS": 1}
    assert redact("http://23.32.45.61/")[1] == {"IP_ADDRESS": 1}


def test_the_same_address_the_same_replacement() -> None:
    one, two = (next(iter(addresses(f"x {text} 93.184.216.34"))).replacement for text in ("a", "b"))
    assert one == two
    many = {span.replacement for n in range(60) for span in addresses(f" 93.184.216.{n + 100} ")}
    assert len(many) == 5


SECRET = chance(40)


@pytest.mark.parametrize(
    ("text", "redacted"),
    [
        (f'api_key = "{SECRET}"', 'api_key = "<KEY>"'),
        (f"'client-secret-key': '{SECRET}',", "'client-secret-key': '<KEY>',"),
        (f"const authToken = `{SECRET}`;", "const authToken = `<KEY>`;"),
        (f"ACCESS_TOKEN={SECRET}\n", "ACCESS_TOKEN=<KEY>\n"),
        (f"export AWS_SECRET_ACCESS_KEY={SECRET}\nX=1", "export AWS_SECRET_ACCESS_KEY=<KEY>\nX=1"),
        (f'token: str = "{SECRET}"', 'token: str = "<KEY>"'),
        (f'{{"apiKey": "{chance(32, HEX)}"}}', '{"apiKey": "<KEY>"}'),
        (f'key = "{SECRET}"', None),
        (f'name = "{SECRET}"', None),
        ('api_key = "your-api-key-goes-in-here-please"', None),
        ('token = "authentication_required_for_this"', None),
        ('secret_key = "0123456789abcdef0123456789abcdef"', None),
        ('secret = "abcdefghijklmnopqrstuvwxyz"', None),
        ('token = "123e4567-e89b-12d3-a456-426614174000"', None),
        ('token = "${SOME_TOKEN_FROM_ENVIRONMENT_1}"', None),
        ("api_key = os.environ['AN_API_KEY_OF_MINE_1']", None),
        ('password = "hunter2!"', 'password = "<PASSWORD>"'),
        ("DB_PASSWORD: 'tr0ub4dor&3'", "DB_PASSWORD: '<PASSWORD>'"),
        ('"passwd": "qX7pLm2z"', '"passwd": "<PASSWORD>"'),
        ('password = "password"', None),
        ('password = "forms.password.label"', None),
        ('password: "Enter it twice"', None),
        ('password_field = "hunter2!"', None),
        ('password = "/etc/passwd1"', None),
        ("https://ann:s3cr3tword9@host.acme.io/x", "https://ann:<PASSWORD>@host.acme.io/x"),
        ("postgres://user:password@localhost/db", None),
        ("https://{user}:{password}@host/", None),
    ],
)
def test_assignments(text: str, redacted: str | None) -> None:
    assert redact(text)[0] == (redacted or text)


def test_digests_stay() -> None:
    digest = chance(40, HEX)
    assert redact(f'token = "{digest}"')[1] == {"KEY": 1}
    assert redact(f'sha1_token = "{digest}"')[0] == f'sha1_token = "{digest}"'
    assert redact(f'bytes_of(token = "{digest}")')[1] == {}
    many = "".join(f"sha {chance(8, HEX, str(n))}\n" for n in range(30))
    assert redact(f'{many}token = "{chance(44)}"')[1] == {}
    few = "a line\n" * 100 + "sha\n"
    assert redact(f'{few}token = "{chance(44)}"')[1] == {"KEY": 1}


def test_a_key_is_taken_wherever_it_stands() -> None:
    text = f'token = "{SECRET}"\nprint("{SECRET}")  # not {SECRET[:20]}\n'
    assert redact(text) == (f'token = "<KEY>"\nprint("<KEY>")  # not {SECRET[:20]}\n', Counter(KEY=2))


def test_level_is_stated() -> None:
    assert VERSION == "regex+entropy/1"
    assert len(TABLE["addresses"]["dns"]) == 14


def test_looks_of_chance() -> None:
    assert looks_random(chance(20))
    assert looks_random(chance(32, HEX))
    assert not looks_random("getElementByIdAndClassName2")
    assert not looks_random("Sh0rt1")
    assert not looks_random("1234567890123456")
    assert not looks_random("aaaaaaaaaaaaaaaaaaa1B")
    assert english("the_national") > 0.9
    assert english("1234") == 0
    assert entropy("abab") == 1.0
    assert sequential("abcdef0123456789"[:6] * 2) is False
    assert sequential("0123456789abcdef")


def test_every_literal_begins_what_it_announces() -> None:
    for form in FORMATS:
        assert form.literals
        assert form.anywhere or all(set(literal) <= set(long_runs(literal * 20)) for literal in form.literals)


PIECES = (
    *KEYS.values(),
    *('password = "hunter2!"', f'token = "{SECRET}"', SECRET, "ann@acme.io", "93.184.216.34", "2607:f8b0:4004::200e"),
    *(" ", "\n", "'", '"', "=", "@", ":", "//", ".", "sha", "hash", "secret", "token = "),
    *("https://a:", "dns", "E<gt>", "<KEY>", "<EMAIL>"),
    *("-----BEGIN PRIVATE KEY-----\n", "\n-----END PRIVATE KEY-----\n", chance(64), "1", "é", "\\", "version "),
)  # fmt: skip


@given(st.lists(st.sampled_from(PIECES), max_size=14).map("".join) | st.text(max_size=80))
def test_again_changes_nothing(text: str) -> None:
    once, found = redact(text)
    assert redact(once) == (once, Counter())
    assert redact(text) == (once, found)
    assert (once == text) == (not found)


@pytest.mark.parametrize(
    "piece",
    [
        *("a", "@", "a@", "a@b.", "a@b.co ", "a.", "1.", "1.1.1.1 ", "12.34.56.78 ", ":", "2a03:", "2a03::", "key"),
        *('password = "', "password=", "token='a1B2", "secret" * 3, "://", "://a:", "://a:b@"),
        *("token = ", "-----BEGIN PRIVATE KEY-----\n"),
        *("eyJ", "eyJaaaaaaaaaaaaaaaaaaaa.", "ghp_", "sk-", "AKIA", "AA", "SK", "-us", "xoxb-"),
        *("-", "_", "A1b2", "\n", " ", "é", "İ"),
        *("PASSWORD", "pwd:", "passpass", f'token = "{chance(30)}"\n', "sk-" + chance(30) + " "),
        *("hooks.slack.com/", "SG."),
    ],
)  # fmt: skip
def test_a_hostile_megabyte_in_a_second(piece: str) -> None:
    text = (piece * (1_000_000 // len(piece)))[:1_000_000]
    begin = time.process_time()
    redact(text)
    assert time.process_time() - begin < 20


def test_many_different_keys_take_linear_time() -> None:
    text = "".join(f'token = "{chance(30, seed=str(n))}"\n' for n in range(8000))
    begin = time.process_time()
    redacted, found = redact(text)
    assert time.process_time() - begin < 30
    assert found["KEY"] > 7900
    assert redact(redacted)[1] == {}


def test_installed_source_files_keep_their_strings() -> None:
    files = sorted(Path(base64.__file__).parent.rglob("*.py"))[::12]
    found: Counter[str] = Counter()
    for path in files:
        counts = redact(path.read_text(encoding="utf-8", errors="replace"))[1]
        found.update(tag for tag in ("KEY", "PASSWORD") if counts[tag])
    assert found.total() <= len(files) / 100
