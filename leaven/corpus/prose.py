"""English documentation prose out of docstrings, READMEs, package descriptions and manuals.

What is kept are paragraphs that read as sentences: code blocks, doctests, parameter lists, headings, tables
and options are taken out, inline markup is unwrapped, and what remains must have enough words, mostly
letters, English function words and an end mark. The result is technical English and is named `documentation
prose`, never web text.
"""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Iterator
from html import unescape

from leaven.corpus.docstrings import NotPython, parse, read_docstrings
from leaven.corpus.document import Dropped
from leaven.corpus.rules.html import without_elements
from leaven.corpus.tables import rules
from leaven.ground.canonical import key64

_FENCE = re.compile(r"(?ms)^[ \t]*(```+|~~~+).*?(?:^[ \t]*\1|\Z)")
_INVISIBLE = frozenset(("script", "style", "pre", "code", "table", "head"))
_BLOCK_TAG = re.compile(r"(?i)</?(?:p|div|h[1-6]|li|ul|ol|dl|dt|dd|tr|td|br|section|article|blockquote)\b[^<>]*>")
_TAG = re.compile(r"<[A-Za-z/!][^<>]*>")
_DIRECTIVE = re.compile(r"\.\. *([\w:-]+)::")
_SPOKEN_DIRECTIVES = frozenset({"note", "warning", "tip", "important", "caution", "hint", "attention", "admonition"})
_UNDERLINE = re.compile(r"([=\-~^\"'`#*+.:_<>])\1{2,}\s*\Z")
_TABLE = re.compile(r"\s*(?:[|+].*[|+]\s*\Z|[=\-+| ]{5,}\Z)")
_BULLET = re.compile(r"(?:[-*+•]|\(?\d{1,2}[.)]|\(?[a-z][.)]|#\.)\s+")
_ENTRY = re.compile(
    r":\w[^:\n]*:(?:\s|\Z)|@\w+|[\w*.,\[\]/ ]{1,60} :(?:\s|\Z)|[\w*.]{1,40}: *(?:\{|\()"
    r"|\w+ \([^)\n]*\):|#|>|\[\d+\]|\$ |\| "
)
_SECTION = re.compile(r"([A-Z][A-Za-z]*(?: [A-Za-z]+){0,2}):\Z")
_LISTING_SECTIONS = frozenset(
    ("args", "arguments", "attributes", "parameters", "params", "keywords", "raises", "references", "usage")
)
_ROLE = re.compile(r":[\w:+-]+:`([^`]*)`")
_LITERAL = re.compile(r"``(.+?)``|`([^`]+)`_{0,2}")
_IMAGE = re.compile(r"!\[[^\]]*\]\([^)]*\)|!\[[^\]]*\]\[[^\]]*\]")
_LINK = re.compile(r"\[([^\]]+)\](?:\([^)]*\)|\[[^\]]*\])")
_FOOTNOTE = re.compile(r"\s*\[(?:\d+|#\w*|\*)\]_?")
_EMPHASIS = re.compile(r"(?<![\w*])(\*\*?|__?)(\S(?:.*?\S)?)\1(?![\w*])")
_TARGET = re.compile(r"\s*<[^<>]*>\Z")
_WORD = re.compile(r"\S+")
_PLAIN = re.compile(r"[\"'(\[“‘]*[A-Za-z][a-z]*(?:['’-][A-Za-z]?[a-z]+)*[\"')\]”’]*[.,;:!?]*[\"')”’]*\Z")
_OTHER_BYTES = bytes(byte for byte in range(256) if not (chr(byte).isascii() and (chr(byte).isalpha() or byte == 32)))
_OPENING = re.compile(r"[\"'(“‘]?[A-Z]")
_ENDING = re.compile(r"[.!?][\"')\]”’]*\Z")


def prose_of(text: str, language: str, name: str = "") -> list[str]:
    """The prose paragraphs of a file.

    Args:
        text: the file's text.
        language: python (docstrings), markdown, restructuredtext, html, text or metadata (a package's
            METADATA).
        name: the file's name; `topics.py` is the interpreter's packaged manual and is read as such.
    """
    if language == "python":
        texts: Iterator[str] = _manual(text) if name == "topics.py" else read_docstrings(text)
        return [paragraph for part in texts for paragraph in paragraphs(part)]
    if language == "metadata":
        text = description(text)
    if language == "html":
        text = _BLOCK_TAG.sub("\n\n", without_elements(text, _INVISIBLE))
        text = unescape(_TAG.sub("", text))
    return paragraphs(text)


def description(metadata: str) -> str:
    """The long description in a package's METADATA: what follows the first blank line."""
    return metadata.partition("\n\n")[2]


def description_language(metadata: str) -> str:
    """The markup language of the long description in a package's METADATA (reStructuredText unless it says)."""
    head = metadata.partition("\n\n")[0]
    return "markdown" if "\nDescription-Content-Type: text/markdown" in head else "restructuredtext"


def paragraphs(text: str) -> list[str]:
    """Paragraphs of `text` that are prose, each on one line."""
    most = 2 * rules()["prose"]["max_paragraph"]
    return [p for block in _blocks(text) if len(block) <= most and is_prose(p := unwrap(block))]


def _blocks(text: str) -> Iterator[str]:
    """Runs of running text: code, tables, headings, parameter lists and everything indented under them left
    out.
    """
    if "```" in text or "~~~" in text:
        text = _FENCE.sub("\n", text)
    block: list[str] = []
    quiet_below: int | None = None  # lines indented deeper than this belong to a literal block or a list of entries
    in_doctest = False
    lines = text.expandtabs(4).split("\n")
    for index, line in enumerate(lines):
        bare = line.strip()
        indent = len(line) - len(line.lstrip(" "))
        if not bare:
            in_doctest = False
            if block:
                yield " ".join(block)
                block = []
            continue
        if quiet_below is not None:
            if indent > quiet_below:
                continue
            quiet_below = None
        if in_doctest:
            continue
        directive = _DIRECTIVE.match(bare)
        if bare.startswith(">>>"):
            in_doctest = True
        elif directive:
            if directive[1] not in _SPOKEN_DIRECTIVES:
                quiet_below = indent
        elif bare.startswith(".. "):
            quiet_below = indent
        elif _UNDERLINE.match(bare) or _TABLE.match(line):
            block = []  # the line above was a heading
            continue
        elif section := _SECTION.match(bare):
            if _LISTING_SECTIONS.intersection(section[1].lower().split()):
                quiet_below = indent
        elif _ENTRY.match(bare) and not bare.startswith(("Note:", "NOTE:")):
            quiet_below = indent
        elif _is_code_indent(lines, index, indent):
            quiet_below = indent - 1
        else:
            bullet = _BULLET.match(bare)
            if bullet:
                if block:
                    yield " ".join(block)
                block = [bare[bullet.end() :]]
            else:
                block.append(bare)
            if bare.endswith("::"):
                quiet_below = indent
            continue
        if block:
            yield " ".join(block)
            block = []
    if block:
        yield " ".join(block)


def _is_code_indent(lines: list[str], index: int, indent: int) -> bool:
    """Markdown's and reST's other code: an indented block after a blank line whose own lines look like code."""
    if indent < 4 or index == 0 or lines[index - 1].strip():
        return False
    return not _OPENING.match(lines[index].lstrip())


def unwrap(block: str) -> str:
    """`block` on one line without inline markup."""
    text = _IMAGE.sub("", block)
    if "`" in text:
        text = _ROLE.sub(lambda match: _label(match[1]), text)
        text = _LITERAL.sub(lambda match: _label(match[1] or match[2]), text)
    if "[" in text:
        text = _LINK.sub(r"\1", _FOOTNOTE.sub("", text))
    if "*" in text or "_" in text:
        text = _EMPHASIS.sub(r"\2", text)
    if text.endswith("::"):
        text = text[:-1]
    return " ".join(text.split())


def _label(inside: str) -> str:
    """What a reader sees of a reST role or link: its title, without target and without the path of `~a.b.c`."""
    if inside.startswith("~"):
        return inside.rpartition(".")[2].lstrip("~")
    return _TARGET.sub("", inside) or inside


@functools.cache
def _function_words() -> frozenset[str]:
    return frozenset(rules()["prose"]["function_words"].split())


def is_prose(paragraph: str) -> bool:
    """Whether a paragraph reads as English sentences; thresholds in `data/rules.toml`."""
    limits = rules()["prose"]
    if len(paragraph) > limits["max_paragraph"] or not _OPENING.match(paragraph) or not _ENDING.search(paragraph):
        return False
    words = _WORD.findall(paragraph)
    if len(words) < limits["min_words"]:
        return False
    letters = len(paragraph.encode(errors="replace").translate(None, _OTHER_BYTES))
    if letters < limits["min_letters"] * len(paragraph):
        return False
    if sum(1 for word in words if _PLAIN.match(word)) < limits["min_plain_words"] * len(words):
        return False
    function = sum(1 for word in words if word.lower().rstrip(".,;:") in _function_words())
    return bool(function >= limits["min_function_words"] * len(words))


def _manual(source: str) -> Iterator[str]:
    """The texts of a module that is a dictionary of texts (pydoc's topics: the packaged language reference)."""
    try:
        tree = parse(source)
    except NotPython:
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Dict):
            for value in node.values:
                if isinstance(value, ast.Constant) and isinstance(value.value, str):
                    yield value.value


def distinct_paragraphs(text: str, seen: set[int]) -> str:
    """`text` without the paragraphs whose keys are in `seen`, to which the others' are added. Raises Dropped if too
    little is left."""
    fresh = []
    for paragraph in text.split("\n\n"):
        key = key64("paragraph", paragraph.lower())
        if key not in seen:
            seen.add(key)
            fresh.append(paragraph)
    left = "\n\n".join(fresh)
    if len(left) < rules()["prose"]["min_characters"]:
        raise Dropped("little prose")
    return left
