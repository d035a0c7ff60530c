"""What training adds to pages of repositories: a way to a run that begins with them."""

from urllib.parse import quote

from django.http import HttpRequest

from llmos.hub.additions import Panel
from llmos.hub.door import Opened

# What may hold weights that go on with a text.
CAUSAL = "text-generation"


def offer(request: HttpRequest, at: Opened) -> Panel | None:
    repository = at.repository
    if not at.rights.read:
        return None
    if repository.type == "dataset":
        address = f"/train?data={quote(repository.full_name)}"
        return Panel("training/offer.html", {"is_data": True, "address": address})
    is_causal = repository.pipeline_tag == CAUSAL or "gguf" in repository.tags
    if repository.type == "model" and is_causal:
        address = f"/train?task=finetune&base={quote(repository.full_name)}"
        return Panel("training/offer.html", {"is_data": False, "address": address})
    return None
