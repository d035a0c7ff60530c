from django.apps import AppConfig


class TrustConfig(AppConfig):
    name = "llmos.community.trust"
    label = "trust"
