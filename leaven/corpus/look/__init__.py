"""What a corpus holds and what it left out: pure functions of the folders of its steps, nothing is built again."""
