"""Win-rates: completions compared in both orders."""
