"""The documents of benchmarks: from files of the user's, from copies of hub data sets, and, when asked, from the hub."""
