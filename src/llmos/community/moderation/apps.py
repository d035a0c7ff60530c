from django.apps import AppConfig


class ModerationConfig(AppConfig):
    name = "llmos.community.moderation"
    label = "moderation"
