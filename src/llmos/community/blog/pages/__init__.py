"""Pages of the blog: lists, an article, writing one."""
