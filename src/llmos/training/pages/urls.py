"""Addresses of the pages that start a run."""

from django.urls import URLPattern, path

from llmos.training.pages import train

urlpatterns: list[URLPattern] = [
    path("train", train.train, name="train"),
    path("train/data", train.find_data),
    path("train/base", train.find_base),
]
