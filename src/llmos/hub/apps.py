from django.apps import AppConfig


class HubConfig(AppConfig):
    name = "llmos.hub"
    label = "hub"
