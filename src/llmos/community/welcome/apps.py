from django.apps import AppConfig


class WelcomeConfig(AppConfig):
    name = "llmos.community.welcome"
    label = "welcome"
