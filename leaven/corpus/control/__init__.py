"""Controls: what is left of code when one of its properties is taken away, for a document always the same."""

from leaven.corpus.control.transform import CONTROLS, transform

__all__ = ["CONTROLS", "transform"]
