"""Who follows what, what happened there, short posts, and what members gave: feed and profile."""
