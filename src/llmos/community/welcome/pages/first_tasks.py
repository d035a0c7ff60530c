"""Small tasks for newcomers: the board, taking one, and offering one on one's repository."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import path
from django.utils.translation import gettext as _

from llmos.community.welcome.access import task_for
from llmos.community.welcome.actions import check_tasks, give_back, offer, take, withdraw
from llmos.community.welcome.models import FirstTask
from llmos.community.welcome.queries import done_lately, tasks_on, tasks_shown
from llmos.hub.access import rights_of
from llmos.hub.additions import Panel
from llmos.hub.addresses import repo_paths
from llmos.hub.door import Opened, opened, signed_in, viewer_of_page
from llmos.kit.errors import Invalid, Refusal
from llmos.store.markup import render_markdown


def board(request: HttpRequest) -> HttpResponse:
    viewer = viewer_of_page(request)
    skill, language = request.GET.get("skill", ""), request.GET.get("lang", "")
    skill = skill if skill in FirstTask.Skill.values else ""
    language = language if language in {"en", "zh"} else ""
    found = tasks_shown(
        viewer, skill=skill, language=language, repository=request.GET.get("in", "")[:200]
    )
    context = {
        "tasks": found,
        "skill": skill,
        "lang": language,
        "skills": FirstTask.Skill.values,
        "done": done_lately(viewer),
    }
    return render(request, "welcome/first_tasks.html", context)


def one(request: HttpRequest, number: int) -> HttpResponse:
    viewer = viewer_of_page(request)
    found = task_for(viewer, number)
    if request.method == "POST":
        return _decide(request, found)
    context = {
        "task": found,
        "text": render_markdown(found.text),
        "mine": viewer.user_id is not None and found.taken_by_id == viewer.user_id,
        "keeps": rights_of(viewer, found.repository).write,
    }
    return render(request, "welcome/first_task.html", context)


def _decide(request: HttpRequest, found: FirstTask) -> HttpResponse:
    """Take, give back, look whether it is done, withdraw; a refusal is said on the page."""
    viewer = signed_in(request)
    deed = request.POST.get("deed", "")
    keeps = rights_of(viewer, found.repository).write
    try:
        if deed == "take":
            take(viewer, task=found)
            messages.success(request, _("It is yours for a week; ask the mentor when in doubt"))
        elif deed == "give back" and (keeps or found.taken_by_id == viewer.user_id):
            give_back(task=found)
        elif deed == "check" and found.taken_by_id == viewer.user_id:
            if found.pk in {task.pk for task in check_tasks(found.repository_id)}:
                messages.success(request, _("Done. It counts on your profile"))
            else:
                messages.info(request, _("Not yet: the check below is not met"))
        elif deed == "withdraw" and keeps:
            withdraw(task=found)
        else:
            raise Invalid(_("The form was not complete"))
    except Refusal as refusal:
        messages.error(request, refusal.message)
    return HttpResponseRedirect(f"/first-tasks/{found.pk}")


def new(request: HttpRequest, type_: str, ns: str, name: str) -> HttpResponse:
    """Offer a task on a repository that one may write to."""
    at = opened(request, type_, ns, name, wants="write")
    context = {
        "repository": at.repository,
        "at": at,
        "asked": request.POST,
        "skills": FirstTask.Skill.values,
        "me": at.viewer.name,
    }
    if request.method != "POST":
        return render(request, "welcome/new_task.html", context)
    asked = request.POST
    minutes = asked.get("minutes", "")
    try:
        made = offer(
            at.viewer,
            repository=at.repository,
            title=asked.get("title", ""),
            text=asked.get("text", ""),
            skill=asked.get("skill", ""),
            minutes=int(minutes) if minutes.isdecimal() and len(minutes) < 5 else 0,
            mentor=asked.get("mentor", "").strip(),
            check_kind=asked.get("check", ""),
            check_path=asked.get("path", ""),
        )
    except Invalid as refusal:
        context["refusal"] = refusal.message
        return render(request, "welcome/new_task.html", context, status=422)
    return HttpResponseRedirect(f"/first-tasks/{made.pk}")


def panel(request: HttpRequest, at: Opened) -> Panel | None:
    """Beside a repository: what a newcomer could do here, and for its keepers how to offer it."""
    found = tasks_on(at.repository)
    if not found and not at.rights.write:
        return None
    context = {"tasks": found, "url": at.url, "name": at.repository.full_name}
    return Panel("welcome/first_tasks_panel.html", context | {"keeps": at.rights.write})


urlpatterns = [
    path("first-tasks", board, name="first-tasks"),
    path("first-tasks/<int:number>", one, name="first-task"),
]
repository_patterns = repo_paths("/first-tasks/new", new, "new-first-task")
