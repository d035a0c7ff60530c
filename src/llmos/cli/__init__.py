"""`llmos …`: parse, call, print."""
