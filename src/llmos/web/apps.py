from django.apps import AppConfig


class WebConfig(AppConfig):
    name = "llmos.web"
    label = "web"

    def ready(self) -> None:
        from llmos.web import wiring

        wiring.connect()
