"""Secrets and personal data taken out of documents, at the level of patterns and entropy."""

from leaven.corpus.redact.redaction import IDENTITY, VERSION, redact

__all__ = ["IDENTITY", "VERSION", "redact"]
