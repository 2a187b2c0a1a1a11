"""The page, its figures and its tables: what a study found, with its uncertainty, for people and for programs."""
