"""Steps on a Ray cluster."""
