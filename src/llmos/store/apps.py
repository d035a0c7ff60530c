from django.apps import AppConfig


class StoreConfig(AppConfig):
    name = "llmos.store"
    label = "store"
