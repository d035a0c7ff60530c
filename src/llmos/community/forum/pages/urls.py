"""Addresses of the forum's pages; those with a fixed word come before those with any."""

from llmos.community.forum.pages import arranging, asking, deeds, feeds, lists, shelves, topic

urlpatterns = [
    *feeds.urlpatterns,
    *asking.urlpatterns,
    *shelves.urlpatterns,
    *lists.urlpatterns,
    *deeds.urlpatterns,
    *arranging.urlpatterns,
    *topic.urlpatterns,
]
