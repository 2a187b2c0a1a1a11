"""Duplicates: exact keys, MinHash signatures, bands, components, and which member of each is kept."""
