"""From what a user points at to raw records and raw files, whatever state it is in."""
