from django.apps import AppConfig


class SocialConfig(AppConfig):
    name = "llmos.community.social"
    label = "social"
