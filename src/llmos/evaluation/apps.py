from django.apps import AppConfig


class EvaluationConfig(AppConfig):
    name = "llmos.evaluation"
    label = "evaluation"
