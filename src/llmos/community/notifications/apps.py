from django.apps import AppConfig


class NotificationsConfig(AppConfig):
    name = "llmos.community.notifications"
    label = "notifications"
