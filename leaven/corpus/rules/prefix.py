"""StarCoder's metadata before a document: repository, file name and stars, each now and then.

bigcode-dataset, preprocessing/add_content_with_meta.py: each of the three with probability 0.2, independently; a line
end after them if there are any. There the choices are unseeded; here they are a function of the seed and the document.
"""

from __future__ import annotations

from leaven.ground.canonical import key64

SHARE = 0.2
"""Documents that show each of the three."""

_BUCKETS = ((0, "0"), (10, "1-10"), (100, "10-100"), (1000, "100-1000"))


def prefix(document: str, repository: str, path: str, stars: int | None, seed: int = 0, share: float = SHARE) -> str:
    """What stands before the text of the document of this id; "" for about half of all documents.

    A repository or path that is not known ("") is never shown; stars that are not known (None) count as none.
    """
    parts = []
    if repository and _shown(seed, document, "reponame", share):
        parts.append(f"<reponame>{repository}")
    if path and _shown(seed, document, "filename", share):
        parts.append(f"<filename>{path}")
    if _shown(seed, document, "gh_stars", share):
        parts.append(f"<gh_stars>{star_bucket(stars)}")
    return "".join(parts) + "\n" if parts else ""


def star_bucket(stars: int | None) -> str:
    """`0`, `1-10`, `10-100`, `100-1000` or `1000+`; an upper bound belongs to its bucket."""
    return next((name for most, name in _BUCKETS if (stars or 0) <= most), "1000+")


def _shown(seed: int, document: str, what: str, share: float) -> bool:
    return key64("rules/prefix/1", seed, document, what) < share * 2**64
