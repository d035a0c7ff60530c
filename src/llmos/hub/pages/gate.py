"""Asking to read a gated repository, and the owners' answers."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from llmos.accounts.queries import user_named
from llmos.hub import gates
from llmos.hub.addresses import repo_paths
from llmos.hub.door import opened, signed_in
from llmos.hub.models import AccessRequest
from llmos.kit.errors import Refusal


@require_POST
def ask(request: HttpRequest, type_: str, ns: str, name: str) -> HttpResponse:
    viewer = signed_in(request)
    at = opened(request, type_, ns, name, wants="see")
    assert viewer.user_id is not None
    try:
        asked = gates.ask_access(
            repository=at.repository,
            user_id=viewer.user_id,
            reason=request.POST.get("reason", "").strip(),
        )
    except Refusal as refusal:
        messages.error(request, refusal.message)
    else:
        if asked.status == AccessRequest.Status.ACCEPTED:
            messages.success(request, _("You may read the files now"))
        else:
            messages.success(request, _("The owners will see your request"))
    return HttpResponseRedirect(at.url)


@require_POST
def answer(request: HttpRequest, type_: str, ns: str, name: str) -> HttpResponse:
    at = opened(request, type_, ns, name, wants="admin")
    user = user_named(request.POST.get("user", ""))
    asked = AccessRequest.objects.filter(repository=at.repository, user=user).first()
    try:
        if asked is None:
            raise gates.NoSuchRequest(_("Nobody of that name asked"))
        gates.answer_request(request=asked, status=request.POST.get("status", ""))
    except Refusal as refusal:
        messages.error(request, refusal.message)
    return HttpResponseRedirect(f"{at.url}/settings")


urlpatterns = [
    *repo_paths("/ask-access", ask, "ask-access"),
    *repo_paths("/access", answer, "access"),
]
