"""Discussions and the conversation of change requests through huggingface_hub and `hf`."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import httpx2
import pytest
from huggingface_hub import CommitOperationAdd, HfApi
from huggingface_hub.community import DiscussionComment, DiscussionCommit
from huggingface_hub.errors import BadRequestError, HfHubHTTPError, RepositoryNotFoundError
from tests.clients.conftest import hf
from tests.conftest import HubServer

SIGNED = "Signed-off-by: {0} <{0}@example.org>"


@pytest.fixture
def eve(hub_server: HubServer) -> HfApi:
    return HfApi(endpoint=hub_server.url, token=hub_server.tokens["eve"])


def _file(path: str, content: bytes = b"x") -> CommitOperationAdd:
    return CommitOperationAdd(path, content)


def test_a_discussion_is_opened_answered_and_closed(ada: HfApi, bob: HfApi, repo: str) -> None:
    opened = bob.create_discussion(repo, title="Which data?", description="Is it **CC-BY**?")
    assert (opened.num, opened.status, opened.author) == (1, "open", "bob")
    assert opened.git_reference is None
    answer = ada.comment_discussion(repo, 1, comment="Yes, see the card.")
    assert isinstance(answer, DiscussionComment)
    assert (answer.content, answer.author, answer.edited) == ("Yes, see the card.", "ada", False)
    closed = bob.change_discussion_status(repo, 1, "closed", comment="Thank you")
    assert closed.new_status == "closed"

    details = ada.get_discussion_details(repo, 1)
    assert details.status == "closed"
    assert [(event.type, event.author) for event in details.events] == [
        ("comment", "bob"),
        ("comment", "ada"),
        ("comment", "bob"),
        ("status-change", "bob"),
    ]
    first = details.events[0]
    assert isinstance(first, DiscussionComment)
    assert "<strong>CC-BY</strong>" in first.rendered
    assert bob.change_discussion_status(repo, 1, "open").new_status == "open"
    with pytest.raises(BadRequestError, match="open already"):
        bob.change_discussion_status(repo, 1, "open")


def test_comments_are_edited_and_hidden(ada: HfApi, bob: HfApi, eve: HfApi, repo: str) -> None:
    bob.create_discussion(repo, title="A question", description="Why?")
    said = bob.comment_discussion(repo, 1, comment="wrong words")
    edited = bob.edit_discussion_comment(repo, 1, said.id, new_content="right words")
    assert (edited.content, edited.edited, edited.number_of_edits) == ("right words", True, 1)
    assert edited.edit_history[0]["raw"] == "wrong words"
    with pytest.raises(HfHubHTTPError, match="Only who wrote this"):
        eve.edit_discussion_comment(repo, 1, said.id, new_content="mine now")

    with pytest.warns(UserWarning, match="irreversible"):
        hidden = bob.hide_discussion_comment(repo, 1, said.id)
    assert hidden.hidden
    assert "right words" not in hidden.content
    shown = ada.get_discussion_details(repo, 1).events[1]
    assert isinstance(shown, DiscussionComment)
    assert shown.hidden
    assert shown.edit_history == []

    rude = bob.comment_discussion(repo, 1, comment="rude words")
    with pytest.warns(UserWarning, match="irreversible"):
        assert ada.hide_discussion_comment(repo, 1, rude.id).hidden
    with pytest.warns(UserWarning, match="irreversible"), pytest.raises(HfHubHTTPError):
        ada.hide_discussion_comment(repo, 1, f"{10**9:024x}")


def test_titles_are_changed_by_the_author_and_the_owner_alone(
    ada: HfApi, bob: HfApi, eve: HfApi, repo: str
) -> None:
    bob.create_discussion(repo, title="A tilte", description="x")
    changed = bob.rename_discussion(repo, 1, new_title="A title")
    assert (changed.old_title, changed.new_title) == ("A tilte", "A title")
    ada.rename_discussion(repo, 1, new_title="The title")
    events = ada.get_discussion_details(repo, 1).events[1:]
    pairs = [(event.old_title, event.new_title) for event in events]  # type: ignore[attr-defined]
    assert pairs == [("A tilte", "A title"), ("A title", "The title")]
    with pytest.raises(HfHubHTTPError, match="Only its author"):
        eve.rename_discussion(repo, 1, new_title="Eve was here")
    with pytest.raises(HfHubHTTPError, match="Only its author"):
        eve.change_discussion_status(repo, 1, "closed")


def test_lists_are_filtered_and_paged(ada: HfApi, bob: HfApi, repo: str) -> None:
    for n in range(52):
        ada.create_discussion(repo, title=f"Number {n + 1}", description="x")
    bob.create_pull_request(repo, title="A change")
    ada.change_discussion_status(repo, 2, "closed")
    everything = list(ada.get_repo_discussions(repo))
    assert [one.num for one in everything] == list(range(53, 0, -1))
    assert everything[0].is_pull_request

    def nums(**wish: str) -> list[int]:
        return [one.num for one in ada.get_repo_discussions(repo, **wish)]  # type: ignore[arg-type]

    assert nums(author="bob") == nums(discussion_type="pull_request") == [53]
    assert nums(discussion_status="closed") == [2]
    assert len(nums(discussion_type="discussion", discussion_status="open")) == 51
    assert nums(author="nobody-here") == []


def test_a_change_request_shows_its_conversation_and_its_commits(
    ada: HfApi, bob: HfApi, repo: str
) -> None:
    made = bob.create_commit(
        repo, [_file("b.txt")], commit_message="Add b", commit_description="For all", create_pr=True
    )
    assert made.pr_num == 1
    ada.comment_discussion(repo, 1, comment="Good, but c is missing")
    bob.create_commit(repo, [_file("c.txt")], commit_message="Add c", revision="refs/pr/1")
    bob.rename_discussion(repo, 1, new_title="Add b and c")
    ada.merge_pull_request(repo, 1, comment="Thank you!")

    details = ada.get_discussion_details(repo, 1)
    assert (details.status, details.title, details.target_branch) == (
        "merged",
        "Add b and c",
        "refs/heads/main",
    )
    assert details.merge_commit_oid == ada.model_info(repo).sha
    opening = details.events[0]
    assert isinstance(opening, DiscussionComment)
    assert opening.content == "For all"
    commits = [event for event in details.events if isinstance(event, DiscussionCommit)]
    assert [commit.summary for commit in commits] == ["Add b", "Add c"]
    assert commits[0].oid == made.oid
    words = [event.content for event in details.events if isinstance(event, DiscussionComment)]
    assert words == ["For all", "Good, but c is missing", "Thank you!"]
    with pytest.raises(HfHubHTTPError):
        ada.change_discussion_status(repo, 1, "open")
    with pytest.raises(BadRequestError, match="only change requests can be merged"):
        ada.create_discussion(repo, title="Only words", description="x")
        ada.merge_pull_request(repo, 2)


def test_private_repositories_keep_their_discussions_to_themselves(
    ada: HfApi, bob: HfApi, new_name: Callable[..., str]
) -> None:
    name = ada.create_repo(new_name(), private=True).repo_id
    ada.create_discussion(name, title="Ours", description="x")
    with pytest.raises(RepositoryNotFoundError):
        list(bob.get_repo_discussions(name))
    with pytest.raises(RepositoryNotFoundError):
        bob.get_discussion_details(name, 1)
    with pytest.raises(RepositoryNotFoundError):
        bob.comment_discussion(name, 1, comment="let me in")


def test_the_command_line_lists_opens_and_answers(repo: str, client_env: dict[str, str]) -> None:
    hf(
        "discussions",
        "create",
        repo,
        "--title",
        "From a shell",
        "--body",
        "it works",
        env=client_env,
    )
    hf("discussions", "comment", repo, "1", "--body", "it does", env=client_env)
    assert "From a shell" in hf("discussions", "list", repo, env=client_env)
    hf("discussions", "close", repo, "1", "--yes", env=client_env)
    assert "closed" in hf("discussions", "info", repo, "1", env=client_env)


def test_commits_onto_main_are_signed_off_where_it_is_asked(
    ada: HfApi, bob: HfApi, repo: str
) -> None:
    _ask_for_sign_off(ada, repo)
    with pytest.raises(BadRequestError, match="asks for a sign-off"):
        ada.create_commit(repo, [_file("a.txt")], commit_message="Add a")
    with pytest.raises(BadRequestError, match="Signed-off-by: ada"):
        ada.create_commit(
            repo, [_file("a.txt")], commit_message="a", commit_description=SIGNED.format("bob")
        )
    signed = SIGNED.format("ada")
    ada.create_commit(repo, [_file("a.txt")], commit_message="Add a", commit_description=signed)
    assert ada.file_exists(repo, "a.txt")

    bob.create_commit(repo, [_file("b.txt")], commit_message="Add b", create_pr=True)
    with pytest.raises(HfHubHTTPError, match="lack it"):
        ada.merge_pull_request(repo, 1)
    bob.create_commit(
        repo,
        [_file("c.txt")],
        commit_message="Add c",
        commit_description=SIGNED.format("bob"),
        create_pr=True,
    )
    ada.merge_pull_request(repo, 2)
    assert ada.file_exists(repo, "c.txt")
    with pytest.raises(BadRequestError, match="asks for a sign-off"):
        ada.super_squash_history(repo, commit_message="All at once")
    ada.super_squash_history(repo, commit_message=f"All at once\n\n{signed}")


def test_git_pushes_onto_main_only_what_is_signed_off(
    ada: HfApi,
    repo: str,
    git: Callable[..., str],
    git_url: Callable[..., str],
    tmp_path: Path,
    client_env: dict[str, str],
) -> None:
    _ask_for_sign_off(ada, repo)
    git(tmp_path, "clone", "-q", git_url(repo), "work")
    work = tmp_path / "work"
    for name in ("one", "two"):
        (work / name).write_text(name)
        git(work, "add", name)
        git(work, "commit", "-qm", f"Add {name}")
    refused = subprocess.run(
        ["git", "push", "-q", "origin", "main"],
        cwd=work,
        env={**client_env, "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert refused.returncode != 0
    assert "“Add two” and 1 more have none" in refused.stderr
    assert "git rebase --signoff origin/main" in refused.stderr
    git(work, "push", "-q", "origin", "HEAD:refs/heads/elsewhere")
    git(work, "rebase", "-q", "--signoff", "origin/main")
    git(work, "push", "-q", "origin", "main")
    assert ada.file_exists(repo, "two")


def _ask_for_sign_off(api: HfApi, repo: str) -> None:
    answer = httpx2.put(
        f"{api.endpoint}/api/models/{repo}/settings",
        headers={"Authorization": f"Bearer {api.token}"},
        json={"signOff": True},
    )
    assert answer.json()["signOff"] is True
