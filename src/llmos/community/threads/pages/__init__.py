"""Pages of threads: what one does with posts, wherever the thread stands."""
