"""Schedule, optimizer, step, checkpoint, stage."""
