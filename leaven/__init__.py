"""leaven: what code, or any other data, does to a language model in pre-training."""
