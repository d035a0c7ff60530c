"""Addresses of pages; machine endpoints are listed in `machines.py`."""

from django.urls import URLPattern, URLResolver, include, path

from llmos.accounts import pages as accounts
from llmos.community.blog.pages.urls import urlpatterns as blog_pages
from llmos.community.discussions.pages.urls import urlpatterns as discussions_pages
from llmos.community.finding import pages as finding
from llmos.community.forum.pages.urls import urlpatterns as forum_pages
from llmos.community.moderation.pages.urls import urlpatterns as moderation_pages
from llmos.community.notifications import pages as notifications
from llmos.community.social.pages.urls import urlpatterns as social_pages
from llmos.community.threads.pages.urls import urlpatterns as threads_pages
from llmos.community.trust import pages as trust
from llmos.community.welcome.pages.urls import urlpatterns as welcome_pages
from llmos.evaluation.pages.urls import urlpatterns as evaluation_pages
from llmos.hub.pages.urls import urlpatterns as hub_pages
from llmos.jobs.pages.urls import urlpatterns as jobs_pages
from llmos.provenance import pages as provenance
from llmos.serving.pages.urls import urlpatterns as serving_pages
from llmos.training.pages.urls import urlpatterns as training_pages

urlpatterns: list[URLPattern | URLResolver] = [
    *accounts.urlpatterns,
    path("accounts/", include("allauth.urls")),
    *finding.urlpatterns,
    *welcome_pages,
    *evaluation_pages,
    *provenance.urlpatterns,
    *serving_pages,
    *training_pages,
    *jobs_pages,
    *threads_pages,
    *social_pages,
    *forum_pages,
    *blog_pages,
    *moderation_pages,
    *notifications.urlpatterns,
    *trust.urlpatterns,
    *discussions_pages,
    *hub_pages,  # last: among them are `/<anybody>` and `/<anybody>/<anything>`
]
