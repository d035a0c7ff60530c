"""Search over everything: repositories, conversations, articles, people; with filters."""
