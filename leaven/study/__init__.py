"""The question as pure data: the study file, its schema, its expansion to a graph of steps with identities."""
