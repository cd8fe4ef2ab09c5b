"""Benchmarks: ratios inside one run, pairs interleaved, medians. An absolute time proves nothing."""
