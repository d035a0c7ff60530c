"""Where people meet: threads and posts, forum, blog, discussions, feed, and the welcome."""
