"""Prompt sets that models complete and a judge compares: found, read, chosen, framed, and sought in training documents."""
