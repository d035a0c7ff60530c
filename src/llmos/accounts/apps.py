from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "llmos.accounts"
    label = "accounts"
