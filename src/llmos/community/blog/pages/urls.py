"""All addresses of the blog; the ones that name anybody come last."""

from django.urls import URLPattern

from llmos.community.blog.pages import article, lists, writing

urlpatterns: list[URLPattern] = [
    *writing.urlpatterns,
    *article.urlpatterns[:2],
    *lists.urlpatterns,
    *article.urlpatterns[2:],
]
