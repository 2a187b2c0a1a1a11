"""What runs inside the sandbox with the problems: standard library, Hypothesis and CrossHair, nothing of leaven's."""
