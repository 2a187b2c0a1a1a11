"""The transformer as pure functions over pytrees."""
