"""The documents of benchmarks: files of the user, copies of hub data sets and, only when asked, the hub itself."""
