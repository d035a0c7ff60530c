from django.apps import AppConfig


class ServingConfig(AppConfig):
    name = "llmos.serving"
    label = "serving"
