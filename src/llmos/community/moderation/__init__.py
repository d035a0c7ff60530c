"""Keeping the community a good place: reports, the queue, decisions with reasons, their log."""
