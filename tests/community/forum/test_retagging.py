"""Who opened a topic gives it other tags while she edits it."""

import pytest
from django.test import Client
from tests.community.forum.rows import member, opened

from llmos.accounts.access import Viewer
from llmos.accounts.models import User
from llmos.community.threads.models import Tag
from llmos.community.trust.models import Level

pytestmark = pytest.mark.django_db


def browser(viewer: Viewer) -> Client:
    client = Client()
    client.force_login(User.objects.get(pk=viewer.user_id))
    return client


def test_the_form_shows_the_tags_and_saves_others(asker: Viewer) -> None:
    topic = opened(asker, "How do I begin?", tags=["data", "training"])
    post = topic.thread.posts.get(number=1)
    hers = browser(asker)
    assert 'name="tags" value="data, training"' in hers.get(f"/posts/{post.pk}/edit").text

    sent = {"title": "How do I begin?", "text": "Anew", "seen_edits": "0"}
    hers.post(f"/posts/{post.pk}/edit", {**sent, "tags": "data，评测"})

    names = Tag.objects.filter(thread_rows__thread=topic.thread).values_list("name", flat=True)
    assert sorted(names) == ["data", "evaluation"]
    assert Tag.objects.get(name="training").threads_count == 0


def test_new_members_make_no_tags_and_lose_no_words() -> None:
    new = member("tagless", level=Level.NEW)
    topic = opened(new, "May I?", tags=[])
    post = topic.thread.posts.get(number=1)
    sent = {"title": "May I?", "text": "My words", "seen_edits": "0", "tags": "quokka"}

    answer = browser(new).post(f"/posts/{post.pk}/edit", sent)

    assert answer.status_code == 403
    assert "There is no tag" in answer.text
    assert "My words</textarea>" in answer.text
    assert 'value="quokka"' in answer.text
    assert not Tag.objects.filter(name="quokka").exists()
