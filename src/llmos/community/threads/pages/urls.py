"""All addresses of what one does with threads and posts."""

from django.urls import URLPattern

from llmos.community.threads.pages import attachments, drafts, kept, menu, posts, threads, writing

urlpatterns: list[URLPattern] = [
    pattern
    for family in (threads, posts, menu, writing, drafts, attachments, kept)
    for pattern in family.urlpatterns
]
