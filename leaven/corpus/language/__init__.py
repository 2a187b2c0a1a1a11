"""Which language a file is in: names, detection and choosing languages by count."""
