"""One Thread and one Post for every place where people talk: forum, articles, repositories."""
