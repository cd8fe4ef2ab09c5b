"""Benchmarks. They compare two medians of the same run: absolute times depend on the machine."""
