"""What small models say about larger ones: decisions, signs, how effects change with size, and how sure that is."""
