"""Benchmarks: ratios measured side by side in one run, each throughput beside what was lost or done twice."""
