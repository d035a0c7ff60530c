"""Times, ids and refusals as the wire spells them."""

from datetime import UTC, datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st

from llmos.kit.errors import Moved
from llmos.kit.ids import fingerprint, new_token
from llmos.kit.time import iso


def test_a_moment_is_spelled_in_utc_with_milliseconds() -> None:
    there = datetime(2026, 11, 23, 17, 30, 0, 1999, tzinfo=timezone(timedelta(hours=8)))

    assert iso(there) == "2026-11-23T09:30:00.001Z"


@given(st.datetimes(timezones=st.just(UTC)))
def test_a_spelled_moment_reads_back_to_the_millisecond(moment: datetime) -> None:
    back = datetime.fromisoformat(iso(moment))

    assert timedelta(0) <= moment - back < timedelta(milliseconds=1)


def test_tokens_look_as_clients_expect_and_differ() -> None:
    tokens = {new_token() for _ in range(100)}

    assert len(tokens) == 100
    assert all(token.startswith("hf_") and len(token) == 37 for token in tokens)
    assert len({fingerprint(token) for token in tokens}) == 100


def test_a_moved_thing_keeps_the_rest_of_its_address() -> None:
    moved = Moved("ada/Old", "lab/new")

    assert (
        moved.location("/api/models/ADA/old/tree/refs%2Fpr%2F1/a%20b?recursive=true")
        == "/api/models/lab/new/tree/refs%2Fpr%2F1/a%20b?recursive=true"
    )
    assert moved.location("/ada/Old.git/info/refs") == "/lab/new.git/info/refs"
    assert moved.location("/ada/Older/resolve/main/x") == "/ada/Older/resolve/main/x"
