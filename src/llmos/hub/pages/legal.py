"""Texts that members agree to when they contribute: the Developer Certificate of Origin."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path


def certificate(request: HttpRequest) -> HttpResponse:
    return render(request, "hub/certificate.html")


urlpatterns = [path("legal/dco", certificate, name="certificate")]
