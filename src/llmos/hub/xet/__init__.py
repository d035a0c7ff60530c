"""Xet storage: large files as deduplicated chunks, spoken as unmodified clients speak it."""
