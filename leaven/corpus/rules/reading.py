"""One document as rules look at it: its text with the views that several scores share, each made once at most."""

from __future__ import annotations

from functools import cached_property

from leaven.corpus.rules.tables import language_key

_ASCII = bytes(range(128))
_OTHER_THAN_ALNUM = bytes(byte for byte in range(256) if byte > 127 or not chr(byte).isalnum())
_DIGITS = b"0123456789"


class Reading:
    """A text, its language (as a key) and its path, with views made when first asked for."""

    def __init__(self, text: str, language: str, path: str) -> None:
        self.text = text
        self.language = language_key(language)
        self.path = path

    @cached_property
    def data(self) -> bytes:
        """The text as UTF-8."""
        return self.text.encode("utf-8", "surrogatepass")

    @cached_property
    def one_byte(self) -> bytes:
        """The text in as many bytes as it has characters, `?` for all outside ASCII."""
        return self.data if self.text.isascii() else self.text.encode("ascii", "replace")

    @cached_property
    def lines(self) -> list[str]:
        """Lines without their ends, as `str.splitlines` sees them: a last line end opens no further line."""
        return self.text.splitlines()

    @cached_property
    def foreign(self) -> str:
        """The characters outside ASCII, in order."""
        return "" if self.text.isascii() else self.data.translate(None, _ASCII).decode("utf-8", "surrogatepass")

    @cached_property
    def ascii_alnum(self) -> bytes:
        """The ASCII letters and digits, in order."""
        return self.data.translate(None, _OTHER_THAN_ALNUM)

    @cached_property
    def alnum(self) -> int:
        """How many characters are letters or digits (`str.isalnum`)."""
        return len(self.ascii_alnum) + sum(map(str.isalnum, self.foreign))

    @cached_property
    def alpha(self) -> int:
        """How many characters are letters (`str.isalpha`)."""
        return len(self.ascii_alnum.translate(None, _DIGITS)) + sum(map(str.isalpha, self.foreign))

    @cached_property
    def words(self) -> list[str]:
        """Runs of characters between white space."""
        return self.text.split()
