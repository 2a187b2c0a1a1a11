"""Put before another interpreter's path so that pip reads source archives without running their build code."""
