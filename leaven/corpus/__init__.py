"""Text to shards: readers, rules, deduplication, tokenizer, token shards."""
