"""All pages of the welcome."""

from llmos.community.welcome.pages import checklists, first_tasks, learning, tour

urlpatterns = [
    *tour.urlpatterns,
    *checklists.urlpatterns,
    *first_tasks.urlpatterns,
    *learning.urlpatterns,
    *first_tasks.repository_patterns,
]
