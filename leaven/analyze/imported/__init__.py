"""Results of runs trained elsewhere: tables and folders of other programs, brought to the evidence verdicts rest on.

What cannot be known from a file is asked for and never assumed; what was assumed is told. Nothing is written here, and
no input is ever touched.
"""
