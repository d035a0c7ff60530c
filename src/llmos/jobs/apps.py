from django.apps import AppConfig


class JobsConfig(AppConfig):
    name = "llmos.jobs"
    label = "jobs"
