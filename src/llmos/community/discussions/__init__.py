"""Discussions on repositories, and the conversation of change requests."""
