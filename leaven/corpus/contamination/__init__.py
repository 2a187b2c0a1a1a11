"""Evaluation items that training must not hold: their texts, the search for them, and what was found."""
