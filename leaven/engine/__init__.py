"""The store, the schedule of steps, and what each step kind calls."""
