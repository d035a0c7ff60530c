"""Reporting, the moderators' queue, and the log that everybody reads."""
