"""Housekeeping of the store: what is kept and for whom, what lies there, what may go, and studies on the move."""
