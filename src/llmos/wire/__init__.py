"""Formats as pure functions: bytes in, values out; no storage, no HTTP, no database."""
