"""Who may call what: every machine route, asked by everybody, on public and private repositories.

The rules stand in `tests/authorisation_rules.py`, one line a route; a route without a line
fails. Expected answers follow from a rule and a viewer's rights, and nothing else.
"""

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from uuid import uuid4

import pytest
from huggingface_hub import HfApi
from tests.authorisation_rules import OF_REPOSITORY, RULES, Access, Rule
from tests.conftest import HubServer
from tests.faults.conftest import Answer, send

pytestmark = pytest.mark.slow

ROLES = ("read", "contributor", "write", "admin")
LEVELS = ("see", "read", "contribute", "write", "admin")

# The highest level each viewer reaches on a public and on a private repository of the
# organisation; None: it must look missing.
VIEWERS: dict[str, tuple[str, str | None]] = {
    "anonymous": ("read", None),
    "stranger": ("contribute", None),
    "reader": ("contribute", "contribute"),
    "contributor": ("contribute", "contribute"),
    "writer": ("write", "write"),
    "admin": ("admin", "admin"),
    "admin's read token": ("read", "read"),
    "admin's token for this repository": ("admin", "admin"),
    "admin's token for another repository": ("read", None),
}

MAKE_TOKENS = """
import os, sys
os.environ["DJANGO_SETTINGS_MODULE"] = "llmos.web.settings"
import django
django.setup(set_prefix=False)
from llmos.accounts.actions import create_token
from llmos.accounts.models import User
from llmos.hub.models import Repository, TokenGrant
user, repository, name = User.objects.get(username=sys.argv[1]), sys.argv[2], sys.argv[3]
token, secret = create_token(user=user, name=name, role="write")
type(token).objects.filter(pk=token.pk).update(scoped=True)
for granted in Repository.objects.filter(full_name=repository):
    TokenGrant.objects.create(token=token, repository=granted)
print(secret)
"""


@dataclass(frozen=True)
class Stage:
    """A hub with an organisation, its members' tokens, and a repository granted elsewhere."""

    hub: HubServer
    organisation: str
    tokens: dict[str, str | None]
    other: str

    @property
    def admin(self) -> HfApi:
        return HfApi(endpoint=self.hub.url, token=self.tokens["admin"])

    def new_repository(self, *, private: bool) -> str:
        name = f"{self.organisation}/r-{uuid4().hex[:10]}"
        self.admin.create_repo(name, private=private)
        files = {"a.txt": b"hello", "w.safetensors": b"\0" * 2000}
        for path, content in files.items():
            self.admin.upload_file(path_or_fileobj=content, path_in_repo=path, repo_id=name)
        self.admin.create_branch(name, branch="old")
        self.admin.create_tag(name, tag="v0")
        self.admin.create_pull_request(name, "proposal")
        return name


@pytest.fixture(scope="module")
def stage(hub_server: HubServer) -> Stage:
    organisation = f"lab-{uuid4().hex[:6]}"
    people = {role: f"{role}-{uuid4().hex[:6]}" for role in ROLES}
    tokens: dict[str, str | None] = {"anonymous": None, "stranger": hub_server.tokens["eve"]}
    names = {"read": "reader", "contributor": "contributor", "write": "writer", "admin": "admin"}
    for role, person in people.items():
        hub_server.command("users", "create", person)
        made = hub_server.command("tokens", "create", person, "--name", "t", "--role", "write")
        tokens[names[role]] = made.strip()
    members = [part for role, person in people.items() for part in ("--member", f"{person}:{role}")]
    hub_server.command("orgs", "create", organisation, *members)
    admin = people["admin"]
    made = hub_server.command("tokens", "create", admin, "--name", "read", "--role", "read")
    tokens["admin's read token"] = made.strip()
    built = Stage(hub_server, organisation, tokens, f"{organisation}/other")
    built.admin.create_repo(built.other)
    tokens["admin's token for another repository"] = scoped_token(built, built.other, admin)
    return built


def scoped_token(stage: Stage, repository: str, user: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", MAKE_TOKENS, user, repository, uuid4().hex],
        env={**os.environ, "LLMOS_HOME": str(stage.hub.home)},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


@pytest.fixture(scope="module", params=["public", "private"])
def repository(stage: Stage, request: pytest.FixtureRequest) -> tuple[str, bool]:
    private = request.param == "private"
    name = stage.new_repository(private=private)
    admin = stage.admin.whoami()["name"]
    stage.tokens["admin's token for this repository"] = scoped_token(stage, name, admin)
    return name, private


def every_route() -> list[tuple[str, str]]:
    """Method and path of each machine route, as mounted."""
    from llmos.web.machines import machine_routes

    return [
        (method, route.path)
        for route in machine_routes()
        for method in sorted((route.methods or {"GET"}) - {"HEAD"})
    ]


def test_every_route_has_a_rule_and_every_rule_a_route() -> None:
    assert set(every_route()) == {(rule.method, rule.route) for rule in RULES}


def ask(stage: Stage, rule: Rule, repository: str, viewer: str) -> Answer:
    return send(
        stage.hub.url,
        rule.method,
        rule.path.replace("R", repository, 1),
        token=stage.tokens[viewer],
        body=rule.body.replace(b'"R"', f'"{repository}"'.encode()),
        headers={"Content-Type": rule.kind} if rule.body else {},
    )


def expected(rule: Rule, viewer: str, *, private: bool) -> str:
    """`yes`, `missing`, or `no`."""
    level = VIEWERS[viewer][private]
    if level is None:
        return "missing"
    if rule.wants is Access.USE:
        return "no" if viewer == "anonymous" else "yes"
    return "yes" if LEVELS.index(level) >= LEVELS.index(rule.wants.value) else "no"


def verdict(answer: Answer) -> str:
    if answer.status in {401, 404} and answer.code == "RepoNotFound":
        return "missing"
    if answer.status in {401, 403}:
        return "no"
    return "yes" if answer.status < 500 else f"fault {answer.status}"


def names(rule: Rule) -> str:
    return rule.name


REPOSITORY_RULES = [rule for rule in RULES if rule.wants in OF_REPOSITORY]


@pytest.mark.parametrize("rule", REPOSITORY_RULES, ids=names)
def test_each_viewer_gets_what_is_hers(
    stage: Stage, repository: tuple[str, bool], rule: Rule
) -> None:
    name, private = repository
    found, wanted = {}, {}
    for viewer in VIEWERS:
        want = expected(rule, viewer, private=private)
        target = name
        if rule.spends and want == "yes":
            if "this repository" in viewer:
                continue
            target = stage.new_repository(private=private)
        answer = ask(stage, rule, target, viewer)
        wanted[viewer], found[viewer] = want, verdict(answer)
        if want == "missing":
            assert answer.status == (401 if viewer == "anonymous" else 404), (viewer, answer)
        if want == "no":
            assert answer.status == (401 if viewer == "anonymous" else 403), (viewer, answer)
    assert found == wanted


@pytest.mark.parametrize("rule", REPOSITORY_RULES, ids=names)
@pytest.mark.parametrize("viewer", ["anonymous", "stranger"])
def test_private_and_missing_cannot_be_told_apart(
    stage: Stage, private_name: str, rule: Rule, viewer: str
) -> None:
    missing = f"{stage.organisation}/m-{uuid4().hex[:10]}"
    assert len(missing) == len(private_name)
    there, nowhere = (
        without_names(ask(stage, rule, name, viewer), name) for name in (private_name, missing)
    )
    assert there == nowhere


@pytest.fixture(scope="module")
def private_name(stage: Stage) -> str:
    return stage.new_repository(private=True)


def without_names(answer: Answer, name: str) -> tuple[int, dict[str, str], bytes]:
    ours = {"date", "x-request-id"}
    headers = {
        key: value.replace(name, "NAME") for key, value in answer.headers.items() if key not in ours
    }
    short = name.partition("/")[2].encode()
    body = re.sub(rb"Root=1-[0-9a-f]{32}", b"ID", answer.body)
    return answer.status, headers, body.replace(name.encode(), b"NAME").replace(short, b"NAME")


def of(*wants: Access) -> list[Rule]:
    return [rule for rule in RULES if rule.wants in wants]


@pytest.mark.parametrize("rule", of(Access.ANYONE, Access.MEMBER), ids=names)
def test_the_house_asks_for_a_member_at_most(stage: Stage, rule: Rule) -> None:
    for viewer in ("anonymous", "stranger"):
        refused = viewer == "anonymous" and rule.wants is Access.MEMBER
        assert verdict(ask(stage, rule, stage.other, viewer)) == ("no" if refused else "yes")


@pytest.mark.parametrize("rule", of(Access.OPERATOR), ids=names)
def test_what_administrators_of_the_hub_see_is_refused_to_all_others(
    stage: Stage, rule: Rule
) -> None:
    found = {viewer: verdict(ask(stage, rule, stage.other, viewer)) for viewer in stage.tokens}
    assert set(found.values()) == {"no"}


@pytest.mark.parametrize("rule", of(Access.SIGNED), ids=names)
def test_what_the_hub_must_have_signed_is_refused_to_all_without(stage: Stage, rule: Rule) -> None:
    for viewer in VIEWERS:
        if viewer in stage.tokens:
            answer = ask(stage, rule, stage.other, viewer)
            assert 400 <= answer.status < 500, (viewer, answer)
            assert answer.code


@pytest.mark.parametrize("rule", of(Access.MODELS_ONLY), ids=names)
def test_a_model_is_not_found_as_another_type(stage: Stage, rule: Rule) -> None:
    for viewer in ("anonymous", "stranger", "admin"):
        assert verdict(ask(stage, rule, stage.other, viewer)) == "missing"


def test_an_unknown_token_opens_nothing_not_even_public_things(stage: Stage) -> None:
    for path in (f"/api/models/{stage.other}", f"/{stage.other}/resolve/main/.gitattributes"):
        answer = send(stage.hub.url, "GET", path, token="hf_unknown")
        assert answer.status == 401
        assert answer.headers["x-error-message"].startswith("Invalid credentials")
