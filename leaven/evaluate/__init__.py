"""What a model can do, item by item: suites built from held-out documents and generators, scored through
lm-eval.
"""
