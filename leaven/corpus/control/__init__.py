"""Controls: what is left of code when one of its properties is taken away, the same for a document wherever it is made."""

from leaven.corpus.control.transform import CONTROLS, transform

__all__ = ["CONTROLS", "transform"]
