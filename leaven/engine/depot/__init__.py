"""A store elsewhere: finished steps, checkpoints and logs behind any URL that fsspec opens, and a copy of them here.

`address` knows URLs and their secrets, `trouble` what went wrong, `patience` when to ask again, `remote` the verbs,
`shelf` whole steps, `saved` checkpoints and logs, `keeper` what is sent while a step runs, `mirror` the store itself.
"""
