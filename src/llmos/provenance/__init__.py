"""What was made from what: lineage edges and signed receipts; the platform records them."""
