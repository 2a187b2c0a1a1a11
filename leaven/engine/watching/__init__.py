"""Watching a study from outside: what it wrote about itself, as a picture of how far it is. Nothing here talks to the
run, so it can be watched while it goes on, after it was killed and when it has ended."""
