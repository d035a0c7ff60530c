"""The line of the Developer Certificate of Origin: when it counts, and by whom."""

import io

import pytest

from llmos.hub.git import signoff

ADA = [("Ada", "ada@example.org")]


@pytest.mark.parametrize(
    ("message", "counts"),
    [
        ("Fix\n\nSigned-off-by: Ada <ada@example.org>", True),
        ("Fix\n\nsigned-off-by:ada <else@example.org>\n", True),
        ("Fix\n\nSigned-off-by: A. L. <ADA@example.org>", True),
        ("Fix\n\nSigned-off-by: Bob <bob@example.org>\nSigned-off-by: Ada <a@b.c>", True),
        ("Fix\r\n\r\nSigned-off-by: Ada <ada@example.org>\r\nmore\r\n", True),
        ("Fix\n\nSigned-off-by: Bob <bob@example.org>", False),
        ("Fix\n\nSigned-off-by: Ada", False),
        ("Fix\n\nSigned-off-by: <ada@example.org>", False),
        ("Fix\n\nIt says Signed-off-by: Ada <ada@example.org> somewhere", False),
        ("Fix", False),
        ("", False),
    ],
)
def test_the_line_counts_when_it_is_whole_and_its_committers(message: str, counts: bool) -> None:
    assert signoff.is_signed_off(message, ADA) is counts


def test_nobody_is_signed_for_by_an_empty_name() -> None:
    assert not signoff.is_signed_off("Fix\n\nSigned-off-by:  < >", [("", "")])


def test_a_description_gets_the_line_once() -> None:
    once = signoff.with_line("Because.", "ada")
    assert once == "Because.\n\nSigned-off-by: ada <ada@users.noreply.llmos>"
    assert signoff.with_line(once, "ada") == once
    assert signoff.with_line("", "ada").startswith("Signed-off-by: ada")
    signoff.check_message(message=f"Fix\n\n{once}", name="ada")
    with pytest.raises(signoff.NotSignedOff, match="Signed-off-by: ada"):
        signoff.check_message(message="Fix", name="ada")


def test_commits_are_read_as_they_come_whatever_their_length() -> None:
    long = b"Long\n\n" + b"x" * 200_000 + b"\n\nSigned-off-by: Ada <ada@example.org>\n"
    rows = [
        [b"1" * 40, b"Ada", b"ada@example.org", b"Ada", b"ada@example.org", long],
        [b"2" * 40, b"Bob", b"bob@example.org", b"Ada", b"ada@example.org", b"Short \xff\n"],
    ]
    found = list(signoff.read(io.BytesIO(b"".join(b"\0".join(row) + b"\0" for row in rows))))
    assert [(one.sha[0], one.is_signed_off) for one in found] == [("1", True), ("2", False)]
    assert found[0].title == "Long"


def test_only_main_asks() -> None:
    assert signoff.must_sign(True, "refs/heads/main")
    assert not signoff.must_sign(True, "refs/heads/other")
    assert not signoff.must_sign(False, "refs/heads/main")
