"""The forum: categories of topics, questions that find who can answer them, polls."""
