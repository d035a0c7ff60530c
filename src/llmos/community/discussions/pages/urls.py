"""Addresses of discussions' pages: below each repository."""

from llmos.community.discussions.pages import lists, new, show
from llmos.hub.addresses import repo_paths

urlpatterns = [
    *repo_paths("/discussions", lists.discussions, "discussions"),
    *repo_paths("/discussions/new", new.new, "new-discussion"),
    *repo_paths("/discussions/<int:number>", show.discussion, "discussion"),
]
