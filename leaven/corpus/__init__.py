"""Text to shards: from files, records and generators to documents, a corpus, a tokenizer and token shards."""
