"""Whole repositories before the moderators of the hub: who may report and who may decide."""

from itertools import count

import pytest
from django.test import Client
from tests.community.keeping import member, viewer
from tests.community.notifications.rows import settled

from llmos.accounts.access import ANONYMOUS, Viewer, viewer_of_user
from llmos.accounts.actions import create_organisation
from llmos.accounts.models import Role, User
from llmos.community.moderation.access import may_decide, queue_of, repository_target
from llmos.community.moderation.actions import decide, report
from llmos.community.moderation.errors import AlreadyDecided, NotAModerator
from llmos.community.moderation.models import Case
from llmos.community.notifications.models import Notification
from llmos.community.trust.models import Level
from llmos.hub.actions import create_repository
from llmos.hub.kinds import KINDS
from llmos.hub.models import Repository
from llmos.kit.errors import Forbidden, Invalid, NotFound, Unauthenticated

pytestmark = pytest.mark.django_db
_numbers = count(1)


class Stage:
    """An organisation with a public and a private model, and people around it."""

    def __init__(self) -> None:
        name, founder = f"lab-{next(_numbers)}", member()
        self.admin_there = viewer_of_user(founder)
        self.writer, self.reader = viewer(), viewer()
        self.steward, self.stranger = viewer(Level.STEWARD), viewer()
        self.steward_who_writes = viewer(Level.STEWARD)
        joined = (
            (self.writer, Role.WRITE),
            (self.reader, Role.READ),
            (self.steward_who_writes, Role.WRITE),
        )
        create_organisation(
            name=name,
            owner=founder,
            members=[(User.objects.get(pk=one.user_id), role) for one, role in joined],
        )
        self.administrator = viewer(admin=True)
        self.public = self._made(name, "open", "public")
        self.private = self._made(name, "shut", "private")

    def _made(self, space: str, name: str, visibility: str) -> Repository:
        return create_repository(
            viewer=self.admin_there,
            kind=KINDS["model"],
            namespace=space,
            name=name,
            visibility=visibility,
        )


@pytest.fixture
def stage() -> Stage:
    return Stage()


# (who, reports the public one, the private one, decides about the public one, the private one);
# a private one that she may not see must look missing.
TABLE = [
    ("anonymous", "sign in", "sign in", False, False),
    ("stranger", "yes", "missing", False, False),
    ("reader", "yes", "yes", False, False),
    ("writer", "yes", "yes", False, False),
    ("admin_there", "yes", "yes", False, False),
    ("steward", "yes", "missing", True, False),
    ("steward_who_writes", "yes", "yes", False, False),
    ("administrator", "yes", "yes", True, True),
]


@pytest.mark.parametrize(("who", "public", "private", "may_public", "may_private"), TABLE)
def test_everybody_who_sees_a_repository_reports_it_and_who_keeps_order_on_the_hub_decides(
    stage: Stage, who: str, public: str, private: str, may_public: bool, may_private: bool
) -> None:
    person: Viewer = ANONYMOUS if who == "anonymous" else getattr(stage, who)
    assert (_reports(person, stage.public), _reports(person, stage.private)) == (public, private)
    assert _decides(person, stage.public) == may_public
    assert _decides(person, stage.private) == may_private


def test_private_and_missing_look_the_same(stage: Stage) -> None:
    browser = _browser(stage.steward)
    for page in ("", "/report"):
        heard = [
            browser.get(f"/moderation/repositories/{name}{page}")
            for name in (stage.private.full_name, "nobody/nothing", "a/b/c", "x\x00/y")
        ]
        assert {answer.status_code for answer in heard} == {404}
        assert "shut" not in heard[0].content.decode().replace(stage.private.full_name, "")


def test_a_report_comes_to_the_moderators_of_the_hub_and_not_to_its_writers(stage: Stage) -> None:
    address = f"/moderation/repositories/{stage.public}/report"
    assert address in _browser(stage.stranger).get(f"/{stage.public}").content.decode()
    assert address not in Client().get(f"/{stage.public}").content.decode()
    browser = _browser(stage.stranger)
    assert browser.post(address, {"reason": ""}).status_code == 400
    assert browser.post(address, {"reason": "copyright"}).headers["Location"] == f"/{stage.public}"

    assert str(stage.public) in _browser(stage.steward).get("/moderation").content.decode()
    waiting = Case.objects.filter(queue_of(stage.writer), is_open=True)
    assert not waiting.exists()
    with pytest.raises(NotAModerator):
        _decided(stage.writer, stage.public, "keep")


def test_a_hidden_repository_is_shut_to_all_until_it_is_shown_and_its_keepers_hear_why(
    stage: Stage,
) -> None:
    _reported(stage.stranger, stage.public)
    made = _decided(stage.steward, stage.public, "hide", reason="copyright")
    settled()

    for person in (stage.stranger, stage.writer):
        assert _browser(person).get(f"/{stage.public}").status_code == 403
    log = _browser(stage.stranger).get("/moderation/log").content.decode()
    assert (f"decision-{made}" in log, str(stage.public) in log) == (True, False)
    found_again = f"/moderation/repositories/{stage.public}"
    page = _browser(stage.steward).get("/moderation/log").content.decode()
    assert f'href="{found_again}"' in page
    form = _browser(stage.steward).get(found_again).content.decode()
    assert ("Show it again" in form, "If silenced" in form) == (True, False)
    told = Notification.objects.filter(user_id=stage.writer.user_id, kind="decision")
    assert [str(one.facts["state"]) for one in told] == ["repository-hidden"]
    page = _browser(stage.writer).get("/notifications").content.decode()
    assert "Copied against its licence" in page
    assert "what you reported" in _browser(stage.stranger).get("/notifications").content.decode()
    with pytest.raises(Forbidden):
        repository_target(stage.writer, str(stage.public))
    target = repository_target(stage.steward_who_writes, str(stage.public))
    assert not may_decide(stage.steward_who_writes, target)

    _decided(stage.steward, stage.public, "show", seen=made)
    assert _browser(stage.stranger).get(f"/{stage.public}").status_code == 200


def test_of_two_who_decide_at_once_the_second_hears_of_the_first(stage: Stage) -> None:
    _reported(stage.stranger, stage.public)
    _decided(stage.steward, stage.public, "keep")
    with pytest.raises(AlreadyDecided):
        _decided(stage.administrator, stage.public, "hide", reason="spam")
    assert not Repository.objects.get(pk=stage.public.pk).disabled


def test_a_deleted_repository_takes_its_case_along_and_leaves_the_line(stage: Stage) -> None:
    _reported(stage.stranger, stage.public)
    _decided(stage.steward, stage.public, "keep")
    stage.public.delete()
    assert not Case.objects.filter(kind=Case.Kind.REPOSITORY).exists()
    assert "left as it was" in Client().get("/moderation/log").content.decode()


def test_nobody_reports_a_repository_of_her_own() -> None:
    owner = viewer()
    mine = create_repository(
        viewer=owner,
        kind=KINDS["dataset"],
        namespace=owner.name,
        name="rows",
        visibility="public",
    )
    with pytest.raises(Invalid):
        _reported(owner, mine)


def _reported(person: Viewer, repository: Repository) -> None:
    report(person, target=repository_target(person, str(repository)), reason="spam")


def _reports(person: Viewer, repository: Repository) -> str:
    try:
        _reported(person, repository)
    except NotFound:
        return "missing"
    except Unauthenticated:
        return "sign in"
    return "yes"


def _decides(person: Viewer, repository: Repository) -> bool:
    try:
        return may_decide(person, repository_target(person, str(repository)))
    except (NotFound, Unauthenticated):
        return False


def _decided(
    person: Viewer, repository: Repository, act: str, *, seen: int = 0, reason: str = ""
) -> int:
    target = repository_target(person, str(repository))
    return int(decide(person, target=target, act=act, seen=seen, reason=reason).pk)


def _browser(person: Viewer) -> Client:
    client = Client()
    client.force_login(User.objects.get(pk=person.user_id))
    return client
