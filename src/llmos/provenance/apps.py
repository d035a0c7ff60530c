from django.apps import AppConfig


class ProvenanceConfig(AppConfig):
    name = "llmos.provenance"
    label = "provenance"
