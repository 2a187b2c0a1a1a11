"""Textbook problems: functions of several lines with statement, examples, tests, properties and contracts."""
