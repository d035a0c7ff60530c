"""A queue of work: logs, metrics, cost, cancel and resume, here or on a Ray cluster."""
