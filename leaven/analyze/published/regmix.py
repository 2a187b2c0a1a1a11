"""RegMix (sail-sg/regmix @ b004d3a, MIT): how well 1M-parameter proxies order mixtures for 60M.

The same 256 mixtures of the Pile were trained at 1M and at 60M: rank correlation and decision accuracy of each domain's
loss, and accuracy by how far two mixtures lie apart. The numbers beside which ours are put are METHODS.md §8.1 and
§2.4; nothing had to be guessed. The built-in prior of `leaven.analyze.transfer`, its intervals included, is recomputed
as well; what regressions predict is in `regmix_regression`.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from leaven.analyze.bootstrap import Floats
from leaven.analyze.published.check import Check, beside
from leaven.analyze.published.regmix_regression import regression
from leaven.analyze.published.sheet import aligned, read_sheet
from leaven.analyze.transfer.agreement import accuracy_interval, by_gap, pairs_of, spearman
from leaven.analyze.transfer.prior import PRIOR
from leaven.ground.canonical import key64

SMALL, LARGE = "data/test_pile_loss_1m.csv", "data/test_pile_loss_60m.csv"
COLUMN = "metric/the_pile_{}_val_loss"
TRANSFER = {
    # domain: rank correlation and decision accuracy, 1M -> 60M
    "arxiv": (".995", ".970"),
    "freelaw": (".998", ".984"),
    "pubmed_central": (".994", ".970"),
    "wikipedia_en": (".997", ".981"),
    "dm_mathematics": (".988", ".962"),
    "github": (".993", ".965"),
    "stackexchange": (".998", ".981"),
    "gutenberg_pg_19": (".994", ".971"),
    "pile_cc": (".994", ".969"),
    "ubuntu_irc": (".980", ".946"),
    "hackernews": (".994", ".968"),
    "pubmed_abstracts": (".998", ".982"),
    "uspto_backgrounds": (".995", ".973"),
}
GAPS = {
    # domain: pairs and accuracy in each bin of the gap at 60M
    "pile_cc": (
        ("725", ".541"),
        ("696", ".675"),
        ("1324", ".794"),
        ("2496", ".936"),
        ("7121", ".996"),
        ("20278", "1.000"),
    ),
    "github": (("168", ".524"), ("181", ".575"), ("378", ".593"), ("730", ".629"), ("2150", ".812"), ("29033", ".994")),
    "wikipedia_en": (
        ("406", ".571"),
        ("423", ".650"),
        ("803", ".793"),
        ("1580", ".932"),
        ("4486", ".995"),
        ("24942", "1.000"),
    ),
}
BINS = ("< 0.25 %", "0.25–0.5 %", "0.5–1 %", "1–2 %", "2–5 %", "> 5 %")
KINDS = {"web": "pile_cc", "code": "github"}
DRAWS = 2000


def checks(folder: Path) -> list[Check]:
    """All figures that the files of a folder allow; none where it holds neither losses at 1M nor at 60M.

    Raises BadInput for a file that is wrong, and for losses of other mixtures.
    """
    if not all((folder / name).is_file() for name in (SMALL, LARGE)):
        return []
    small = read_sheet(folder, SMALL)
    large = aligned(small, read_sheet(folder, LARGE), "index")
    losses = {d: (small.numbers(COLUMN.format(d)), large.numbers(COLUMN.format(d))) for d in TRANSFER}
    source = f"METHODS.md §8.1, from {SMALL} and {LARGE}"
    found = []
    for domain, (rho, accuracy) in TRANSFER.items():
        here, there = losses[domain]
        found += [
            beside("rank correlations, 1M → 60M", f"{domain}: rank correlation", source, rho, spearman(here, there)),
            beside(
                "decision accuracies, 1M → 60M", f"{domain}: accuracy", source, accuracy, pairs_of(here, there).accuracy
            ),
        ]
    for domain, printed in GAPS.items():
        found += _by_gap(domain, printed, *losses[domain])
    for kind, domain in KINDS.items():
        found += _prior(kind, *losses[domain])
    return found + regression(folder)


def _by_gap(domain: str, printed: Sequence[tuple[str, str]], here: Floats, there: Floats) -> list[Check]:
    source = f"METHODS.md §2.4, from {SMALL} and {LARGE}"
    found = []
    for name, (pairs, accuracy), row in zip(BINS, printed, by_gap(pairs_of(here, there)), strict=True):
        what = f"{domain}, gap {name}"
        found += [
            beside("pairs by gap at 60M", f"{what}: pairs", source, pairs, row.pairs),
            beside("accuracy by gap at 60M", f"{what}: accuracy", source, accuracy, row.accuracy),
        ]
    return found


def _prior(kind: str, here: Floats, there: Floats) -> list[Check]:
    """The table that verdicts use, by the gap at 1M: the order of 1M is the one that is kept or not. Its intervals hang
    on random draws, so what is built in was made with these very ones."""
    source = f"leaven.analyze.transfer.prior, from {SMALL} and {LARGE}"
    found = []
    for name, built_in, row in zip(BINS, PRIOR[kind], by_gap(pairs_of(there, here)), strict=True):
        what = f"{kind}, gap {name}"
        found += [
            beside("built-in prior: pairs by gap at 1M", f"{what}: pairs", source, str(built_in.pairs), row.pairs),
            beside("built-in prior: share that held", f"{what}: share", source, f"{built_in.share:.4f}", row.accuracy),
        ]
        ends = accuracy_interval(there, here, DRAWS, key64("published/regmix prior/1", 0), edges=(row.low, row.high))
        for end, said, ours in zip(("low", "high"), (built_in.low, built_in.high), ends, strict=True):
            found.append(beside("built-in prior: intervals", f"{what}: {end}", source, f"{said:.3f}", ours))
    return found
