"""Pages compressed on their way, for whoever takes gzip; streams go as they come."""

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.middleware.gzip import GZipMiddleware


class PageCompression(GZipMiddleware):
    """Django's own, which also pads answers so that their length tells nothing (BREACH).

    A stream is left alone: compressed, its events would wait for each other.
    """

    def process_response(
        self, request: HttpRequest, response: HttpResponseBase
    ) -> HttpResponseBase:
        if response.streaming:
            return response
        return super().process_response(request, response)
