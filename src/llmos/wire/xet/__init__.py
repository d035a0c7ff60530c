"""Xet's formats: hashes, blocks of chunks (xorbs) and their indexes (shards)."""
