from django.apps import AppConfig


class BlogConfig(AppConfig):
    name = "llmos.community.blog"
    label = "blog"
