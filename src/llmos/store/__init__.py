"""What all server rooms share: rows, transactions, announcements, tasks, blobs, search."""
