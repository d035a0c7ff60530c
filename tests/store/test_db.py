"""Instances put together from hand-written SQL are those that the ORM gives."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connections, models, transaction

from llmos.accounts.models import Namespace, User
from llmos.community.threads.models import Draft, Thread
from llmos.store import db
from llmos.store.db import attach, columns, instance, row

pytestmark = pytest.mark.django_db


def read(model: type[models.Model], pk: int, *, without: tuple[str, ...] = ()) -> models.Model:
    table, key = model._meta.db_table, model._meta.pk
    assert key is not None
    found = row(
        f"SELECT {columns(model, 'm', without=without)} FROM {table} m WHERE m.{key.column} = %s",
        (pk,),
    )
    assert found is not None
    return instance(model, found, without=without)


@pytest.fixture
def ada() -> User:
    home = Namespace.objects.create(name="ada", key="ada", kind="user", full_name="Ada")
    return User.objects.create(username="ada", namespace=home, email="ada@mail.example")


def test_every_column_is_what_the_orm_reads(ada: User) -> None:
    thread = Thread.objects.create(place="topic", shelf=1, title="A", address="/t/1", author=ada)
    draft = Draft.objects.create(user=ada, form="new-topic", content={"title": "翻译", "n": [1]})
    for kept in (ada, ada.namespace, thread, draft):
        made, asked = read(type(kept), kept.pk), type(kept)._base_manager.get(pk=kept.pk)
        assert made == asked
        for field in type(kept)._meta.concrete_fields:
            assert getattr(made, field.attname) == getattr(asked, field.attname), field.name


def test_a_column_that_was_left_out_is_read_when_it_is_asked_for(
    ada: User, django_assert_num_queries: object
) -> None:
    made = read(User, ada.pk, without=("email", "date_joined"))
    assert made.get_deferred_fields() == {"email", "date_joined"}
    assert isinstance(made, User)
    with django_assert_num_queries(1):  # type: ignore[operator]  # the plugin's own type
        assert made.email == "ada@mail.example"


def test_a_change_of_such_an_instance_is_saved(ada: User) -> None:
    made = read(User, ada.pk)
    assert isinstance(made, User)
    made.email = "new@mail.example"
    made.save()
    assert User.objects.get().email == "new@mail.example"


def test_rows_that_were_read_together_are_not_read_again(
    ada: User, django_assert_num_queries: object
) -> None:
    made, home = read(User, ada.pk), read(Namespace, ada.namespace_id)
    assert isinstance(made, User)
    attach(made, namespace=home)
    with django_assert_num_queries(0):  # type: ignore[operator]
        assert made.namespace.full_name == "Ada"


def test_values_stand_for_as_many_placeholders() -> None:
    assert db.rows(f"SELECT 1 WHERE 3 IN ({db.marks([1, 2, 3])})", [1, 2, 3]) == [(1,)]


@pytest.mark.django_db(transaction=True)
def test_who_writes_waits_for_another_connection_to_end(ada: User) -> None:
    begun, words = threading.Event(), User.objects.filter(pk=ada.pk)

    def slowly() -> None:
        with transaction.atomic():
            words.update(email="first@mail.example")
            begun.set()
            time.sleep(0.3)

    with ThreadPoolExecutor(1) as other:
        wrote = other.submit(slowly)
        assert begun.wait(10)
        words.update(email="second@mail.example")
        wrote.result()
        other.submit(connections.close_all).result()
    assert words.get().email == "second@mail.example"
