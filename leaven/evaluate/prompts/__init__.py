"""Prompt sets that models complete and a judge compares: found, read, chosen, framed, sought in training documents."""
