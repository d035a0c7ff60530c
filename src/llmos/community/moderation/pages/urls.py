"""Addresses of reports, decisions and their log."""

from django.urls import path

from llmos.community.moderation.pages import deciding, lists, reporting

urlpatterns = [
    path("posts/<int:post_id>/report", reporting.report_post),
    path("moderation", lists.queue, name="moderation"),
    path("moderation/log", lists.log, name="moderation_log"),
    path("moderation/posts/<int:post_id>", deciding.post),
    path("moderation/members/<str:name>", deciding.member),
    path("moderation/members/<str:name>/level", deciding.level),
    path("moderation/members/<str:name>/report", reporting.report_member),
    path("moderation/repositories/<path:path>/report", reporting.report_repository),
    path("moderation/repositories/<path:path>", deciding.repository),
]
