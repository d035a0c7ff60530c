from django.apps import AppConfig


class ForumConfig(AppConfig):
    name = "llmos.community.forum"
    label = "forum"
