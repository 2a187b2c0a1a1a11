"""Released packages as a corpus: a pinned list that is the same on every computer, and how its archives are got."""

from leaven.corpus.packages.fetch import fetch
from leaven.corpus.packages.table import Package, fingerprint, table

__all__ = ["Package", "fetch", "fingerprint", "table"]
