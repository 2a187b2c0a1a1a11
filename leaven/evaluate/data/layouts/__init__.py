"""Forms in which benchmarks are published, and how each becomes lm-eval's documents."""

from collections.abc import Mapping
from types import MappingProxyType

from leaven.evaluate.data.layouts.dialogues import DIALOGUES
from leaven.evaluate.data.layouts.foundry import FOUNDRY
from leaven.evaluate.data.layouts.layout import Layout
from leaven.evaluate.data.layouts.original import ORIGINAL

LAYOUTS: Mapping[str, Layout] = MappingProxyType({layout.name: layout for layout in (*ORIGINAL, *FOUNDRY, *DIALOGUES)})

__all__ = ["LAYOUTS", "Layout"]
