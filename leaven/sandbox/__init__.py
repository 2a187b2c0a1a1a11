"""Isolation of untrusted programs."""
