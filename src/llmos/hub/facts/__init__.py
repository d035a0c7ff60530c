"""What follows from a commit alone: card, tags, weights, scans. Nothing here knows rows or HTTP."""
