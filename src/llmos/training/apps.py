from django.apps import AppConfig


class TrainingConfig(AppConfig):
    name = "llmos.training"
    label = "training"
