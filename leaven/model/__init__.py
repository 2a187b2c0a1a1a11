"""The transformer as pure functions over plain pytrees: shapes, initial weights, attention, loss, decoding."""
