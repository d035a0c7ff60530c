"""Plain values and functions that every room may use; no framework, no I/O on import."""
