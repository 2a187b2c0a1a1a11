"""Which row of which source is sample i: exact shares, keyed order, random access, an audited ledger."""
