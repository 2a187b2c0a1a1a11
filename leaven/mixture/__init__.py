"""Which row of which source comes when: exact apportionment, keyed order, the loader and its ledger."""
