"""Which of two completions is better, asked in both orders: judges, their protocol, and what the votes add up
to."""
