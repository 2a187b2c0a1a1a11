"""Under which licence a file is: what packages declare, what licence texts say, how far it reaches, what is kept."""
