"""The language of a file from its name and the start of its content.

Exact file name → longest known extension → shebang → mode line of vim or emacs → patterns for extensions that several
languages share. An extension that means one language is believed without looking at the content, as The Stack v1 did.
"""

from __future__ import annotations

import re

from leaven.corpus.language.names import canonical
from leaven.corpus.language.table import Choice, names

VERSION = "detect/1"

LOOK = 50_000
"""Characters of content that patterns may see (Linguist looks at 51,200 bytes)."""

_LINE = 500
"""Characters of a line in which a shebang or mode line is looked for."""

_VIM = re.compile(
    r"(?:^|[ \t])(?:vi|vim|ex)(?:[<=>]?\d{1,4})?:[^\n]{0,300}?\b(?:ft|filetype|syntax|syn)=([\w+#-]{1,40})"
)
_EMACS = re.compile(
    r"-\*-(?:[^\n]{0,200}?\bmode[ \t]*:)?[ \t]*([\w+#.-]{1,40})[ \t]*(?:;[^\n]{0,300}?)?-\*-", re.IGNORECASE
)
_EXEC = re.compile(r"^[ \t]*exec[ \t]+(?:\S{0,80}/)?([\w.+-]{1,40})[^\n]{0,200}\$0", re.MULTILINE)
_VERSION = re.compile(r"[-_.]?\d[\d.]*$")
_COMMENTS = re.compile(r"/\*[^*]*(?:\*(?!/)[^*]*)*(?:\*/|\Z)|//[^\n]*")
_CPLUSPLUS = re.compile(
    r"^[ \t]*#[ \t]*if(?:def[ \t]+__cplusplus\b|[ \t]+[^\n]{0,100}\b__cplusplus\b)[^\n]*\n"
    r"(?:(?![ \t]*#[ \t]*(?:else|elif|endif)\b)[^\n]*\n)*",
    re.MULTILINE,
)


def detect(path: str, head: bytes | str = "") -> str:
    """The canonical name of a file's language, "" where it is unknown.

    Args:
        path: with `/`; only the last part counts.
        head: the start of the content, 50 kB are enough; "" decides by name alone (a shared extension by
            its default).
    """
    table = names()
    name = path[path.rfind("/") + 1 :]
    found = table.filenames.get(name)
    if found is not None:
        return found
    dot = name.rfind(".")
    if dot <= 0:
        return _by_content(head)
    last = name[dot:]
    if last in table.case and not name.isupper():
        return table.case[last]
    last = last.lower()
    meaning = table.extensions.get(last)
    if last in table.ends:
        meaning = _compound(name.lower(), meaning)
    if isinstance(meaning, str):
        return meaning
    if meaning is None:
        return _unknown_extension(name, dot, last, head)
    return _choose(meaning, head)


def _compound(name: str, meaning: str | Choice | None) -> str | Choice | None:
    """The meaning of the longest known extension of several parts, else of the last part."""
    table = names()
    start = name.find(".", 1)
    while start >= 0:
        longer = table.compound.get(name[start:])
        if longer is not None:
            return longer
        start = name.find(".", start + 1)
    return meaning


def _unknown_extension(name: str, dot: int, last: str, head: bytes | str) -> str:
    """`Dockerfile.dev`, `config.h.in`, `configure.sh.example`; else whatever the content says."""
    if last in names().wrappers and dot > 0:
        return detect(name[:dot], head)
    stem = name[: name.find(".")]
    if stem in ("Dockerfile", "Containerfile", "Makefile", "GNUmakefile", "Jenkinsfile", "Vagrantfile"):
        return names().filenames.get(stem) or _by_content(head)
    return _by_content(head)


def _text(head: bytes | str) -> str:
    """At most `LOOK` characters. Bytes are read as Latin-1 (patterns are ASCII) unless a mark says UTF-16."""
    if isinstance(head, str):
        return head[:LOOK]
    if head[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return head[: 2 * LOOK].decode("utf-16", errors="replace")
    return head[:LOOK].removeprefix(b"\xef\xbb\xbf").decode("latin-1")


def _by_content(head: bytes | str) -> str:
    text = _text(head)
    if not text:
        return ""
    return shebang(text) or modeline(text) or ("xml" if text.lstrip("\ufeff")[:5] == "<?xml" else "")


def _choose(choice: Choice, head: bytes | str) -> str:
    text = _text(head)
    if not text:
        return choice.default
    for told in (shebang(text), modeline(text)):
        if told in choice.candidates and told:
            return told
    if choice.strip_c:
        text = _CPLUSPLUS.sub("", _COMMENTS.sub(" ", text))
    for rule in choice.rules:
        if rule.found(text):
            return rule.language
    return choice.default


def shebang(text: str) -> str:
    """The language of the program that `#!` names: through `env` (with -S and assignments), without a version."""
    if not text.startswith("#!"):
        return ""
    words = text[2 : _LINE + 2].partition("\n")[0].split()
    while words and (words[0].rpartition("/")[2] == "env" or words[0].startswith("-") or "=" in words[0]):
        if words[0].startswith("-S") and len(words[0]) > 2:
            words[0] = words[0][2:]
        else:
            words.pop(0)
    if not words:
        return ""
    program = words[0].rpartition("/")[2]
    if program == "sh":
        hidden = _EXEC.search(text[: 5 * _LINE])
        program = hidden[1] if hidden else program
    table = names().interpreters
    return table.get(program) or table.get(_VERSION.sub("", program), "")


def modeline(text: str) -> str:
    """The language that a mode line of emacs (first two lines) or vim (first and last five) names."""
    start = [line[:_LINE] for line in text[: 10 * _LINE].split("\n", 5)[:5]]
    for line in start[:2]:
        found = _EMACS.search(line) if "-*-" in line else None
        if found and (language := canonical(found[1])):
            return language
    lines = [*start, *(line[:_LINE] for line in text[-10 * _LINE :].rsplit("\n", 6)[-6:])]
    for line in lines:
        found = _VIM.search(line) if "=" in line and ("vi" in line or "ex" in line) else None
        if found and (language := canonical(found[1])):
            return language
    return ""
