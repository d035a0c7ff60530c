"""One post: its address, editing, its history, reactions, bookmarks."""

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import render
from django.urls import path
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from llmos.accounts.access import Viewer
from llmos.community.threads import actions, deeds, queries
from llmos.community.threads.access import edit_address, is_moderator, post_for, thread_rights
from llmos.community.threads.addresses import post_address
from llmos.community.threads.attaching import with_files
from llmos.community.threads.errors import EditedMeanwhile, NotYours, PostNotFound
from llmos.community.threads.history import versions_of
from llmos.community.threads.models import Post, Reaction, Thread
from llmos.community.threads.pages.forms import Again, compose_page, number_in, posted
from llmos.community.threads.pages.threads import language_in
from llmos.community.threads.quoting import quotation
from llmos.community.threads.tags import refuse_new_tags, words_of
from llmos.hub.door import signed_in, viewer_of_page
from llmos.kit.errors import Forbidden, Refusal


def one(request: HttpRequest, post_id: int) -> HttpResponse:
    """The short address of a post leads to where it stands."""
    post = post_for(viewer_of_page(request), post_id)
    return HttpResponseRedirect(address_of(post))


def address_of(post: Post) -> str:
    return post_address(post.thread.address, post.number)


def edit(request: HttpRequest, post_id: int) -> HttpResponse:
    """Change a post; if somebody was quicker, both texts are shown."""
    viewer = signed_in(request)
    try:
        post = post_for(viewer, post_id)
        if elsewhere := edit_address(post):
            return HttpResponseRedirect(elsewhere)
        if not actions.may_edit(viewer, post):
            raise NotYours
    except (PostNotFound, NotYours) as refusal:
        if request.method != "POST":
            raise
        # It was taken away while she wrote: her words are still hers.
        again = Again(f"edit:{post_id}", request.path, _("Edit"), _("Save"))
        return compose_page(request, again, values=posted(request), refusal=refusal, is_edit=True)
    if request.method != "POST":
        return _edit_page(request, post, _values(post))
    try:
        actions.edit_post(
            viewer,
            post=post,
            text=with_files(viewer, request.POST.get("text", ""), request.FILES.getlist("files")),
            seen_edits=number_in(request, "seen_edits") or 0,
            note=request.POST.get("note", ""),
            title=request.POST.get("title", ""),
            tags=_tags(request, viewer, post),
            language=language_in(request),
        )
    except EditedMeanwhile as conflict:
        # The next attempt is about the newer text, which stands above the form.
        values = posted(request) | {"seen_edits": conflict.data["edits"]}
        return _edit_page(request, post, values, conflict, theirs=conflict.data["text"])
    except Refusal as refusal:
        return _edit_page(request, post, posted(request), refusal)
    assert viewer.user_id is not None  # it has written
    deeds.forget_draft(user_id=viewer.user_id, form=f"edit:{post.pk}")
    return HttpResponseRedirect(address_of(post))


def _values(post: Post) -> dict[str, object]:
    values: dict[str, object] = {
        "text": post.text,
        "language": post.language,
        "seen_edits": post.edits,
    }
    if post.number == 1 and post.thread.title:
        values["title"] = post.thread.title
    if _bears_tags(post):
        tags = queries.tags_of([post.thread_id]).get(post.thread_id, [])
        values["tags"] = ", ".join(sorted(tag.name for tag in tags))
    return values


def _bears_tags(post: Post) -> bool:
    """Whether its form asks for the tags: those of a topic are its first post's."""
    return post.number == 1 and post.thread.place == Thread.Place.TOPIC


def _tags(request: HttpRequest, viewer: Viewer, post: Post) -> list[str] | None:
    """Raises NotTrustedYet."""
    if not _bears_tags(post) or "tags" not in request.POST:
        return None
    words = words_of(request.POST["tags"])
    refuse_new_tags(viewer, words)
    return words


def _edit_page(
    request: HttpRequest,
    post: Post,
    values: dict[str, object],
    refusal: Refusal | None = None,
    theirs: str = "",
) -> HttpResponse:
    again = Again(
        f"edit:{post.pk}",
        request.path,
        _("Edit the post"),
        _("Save"),
    )
    return compose_page(
        request,
        again,
        values=values,
        refusal=refusal,
        back=address_of(post),
        theirs=theirs,
        is_edit=True,
    )


def history(request: HttpRequest, post_id: int) -> HttpResponse:
    post = post_for(viewer_of_page(request), post_id)
    return render(
        request,
        "threads/history.html",
        {"post": post, "versions": versions_of(post), "back": address_of(post)},
    )


@require_POST
def react(request: HttpRequest, post_id: int) -> HttpResponse:
    """The pressed button bears the reaction's name; 1 sets it, 0 takes it back."""
    viewer = signed_in(request)
    post = post_for(viewer, post_id)
    name = next((name for name in Reaction.Name.values if name in request.POST), "")
    on = request.POST.get(name) == "1"
    actions.react(viewer, post=post, name=name, on=on)
    if _wants_json(request):
        post.refresh_from_db(fields=["reactions"])
        return JsonResponse({"count": post.reactions.get(name, 0), "on": on})
    return HttpResponseRedirect(address_of(post))


@require_POST
def bookmark(request: HttpRequest, post_id: int) -> HttpResponse:
    viewer = signed_in(request)
    post = post_for(viewer, post_id)
    on = request.POST.get("on") == "1"
    deeds.set_bookmark(viewer, post=post, on=on)
    if _wants_json(request):
        return JsonResponse({"on": on})
    return HttpResponseRedirect(address_of(post))


@require_POST
def take_back(request: HttpRequest, post_id: int) -> HttpResponse:
    """Withdraw a post of one's own, or show it again."""
    viewer = signed_in(request)
    post = post_for(viewer, post_id)
    actions.set_taken_back(viewer, post=post, back=request.POST.get("on") == "1")
    return HttpResponseRedirect(address_of(post))


def answer(request: HttpRequest, post_id: int) -> HttpResponse:
    """The composer for an answer to this post, where no script fetches it."""
    viewer = signed_in(request)
    post = post_for(viewer, post_id)
    return _answer_page(request, viewer, post)


def quote(request: HttpRequest, post_id: int) -> HttpResponse:
    """The post as a quotation: text for the page's script, else the composer with it."""
    viewer = signed_in(request)
    post = post_for(viewer, post_id)
    text = quotation(post, request.GET.get("words", ""))
    if _wants_json(request):
        return JsonResponse({"text": text})
    return _answer_page(request, viewer, post, text)


def _answer_page(request: HttpRequest, viewer: Viewer, post: Post, text: str = "") -> HttpResponse:
    if not thread_rights(viewer, post.thread).reply:
        raise Forbidden(_("This conversation takes no answers from you"))
    again = Again(
        f"thread:{post.thread_id}",
        f"/threads/{post.thread_id}/reply",
        post.thread.title or _("Your answer"),
        _("Answer"),
    )
    values = {"text": text, "reply_to": str(post.pk)}
    return compose_page(request, again, values=values, back=address_of(post), to=post)


@require_POST
def wiki(request: HttpRequest, post_id: int) -> HttpResponse:
    """Let others edit it too, or no longer: its author and moderators decide."""
    viewer = signed_in(request)
    post = post_for(viewer, post_id)
    if post.author_id != viewer.user_id and not is_moderator(viewer, post.thread):
        raise NotYours
    actions.set_wiki(post=post, is_wiki=request.POST.get("on") == "1")
    return HttpResponseRedirect(address_of(post))


def _wants_json(request: HttpRequest) -> bool:
    return "application/json" in request.headers.get("Accept", "")


urlpatterns = [
    path("posts/<int:post_id>", one),
    path("posts/<int:post_id>/edit", edit),
    path("posts/<int:post_id>/history", history),
    path("posts/<int:post_id>/react", react),
    path("posts/<int:post_id>/bookmark", bookmark),
    path("posts/<int:post_id>/answer", answer),
    path("posts/<int:post_id>/quote", quote),
    path("posts/<int:post_id>/back", take_back),
    path("posts/<int:post_id>/wiki", wiki),
]
