from django.apps import AppConfig


class ThreadsConfig(AppConfig):
    name = "llmos.community.threads"
    label = "threads"
