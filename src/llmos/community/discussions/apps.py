from django.apps import AppConfig


class DiscussionsConfig(AppConfig):
    name = "llmos.community.discussions"
    label = "discussions"
