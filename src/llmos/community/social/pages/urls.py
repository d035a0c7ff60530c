"""All addresses of the pages of feed, follows, notes and contributions."""

from django.urls import URLPattern

from llmos.community.social.pages import about, follows, home, notes, profile

urlpatterns: list[URLPattern] = [
    *home.urlpatterns,
    *notes.urlpatterns,
    *follows.urlpatterns,
    *profile.urlpatterns,
    *about.urlpatterns,  # last: `feed/<anything>`
]
