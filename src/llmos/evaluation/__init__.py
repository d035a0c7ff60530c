"""Benchmarks, results with receipts, claims beside them, and leaderboards."""
