"""What a model is shown of a conversation, which path a reader sees, where a translation looked."""

from llmos.serving.attention import attention_of
from llmos.serving.branches import path_through
from llmos.serving.context import shown
from llmos.serving.models import Turn


def turn(number: int, parent: int | None, text: str = "x", **more: object) -> Turn:
    role = Turn.Role.USER if number % 2 else Turn.Role.ASSISTANT
    return Turn(pk=number, parent_id=parent, role=role, text=text, **more)


# 1 → 2 → 3 → 4, then 2 was asked again (6), 3 was edited (5 under 2 → 8)
TREE = [turn(1, None), turn(2, 1), turn(3, 2), turn(4, 3), turn(6, 1), turn(5, 2), turn(8, 5)]


def test_the_newest_way_is_shown_and_any_other_can_be_chosen() -> None:
    assert [step.turn.pk for step in path_through(TREE)] == [1, 2, 5, 8]
    assert [step.turn.pk for step in path_through(TREE, 3)] == [1, 2, 3, 4]
    assert [step.turn.pk for step in path_through(TREE, 6)] == [1, 6]
    assert path_through([]) == []


def test_a_step_knows_its_siblings() -> None:
    step = path_through(TREE, 2)[1]

    assert (step.place, step.ways, step.before, step.after) == (1, 2, None, 6)


def test_everything_is_shown_while_it_fits() -> None:
    found = shown(
        [turn(1, None, "a"), turn(2, 1, "b"), turn(3, 2, "c")], "be kind", context=512, answer=64
    )

    assert found.left_out == 0
    assert [one["content"] for one in found.messages] == ["be kind", "a", "b", "c"]


def test_the_oldest_go_first_and_an_answer_never_stands_without_its_question() -> None:
    counted = {"prompt_tokens": 150, "new_tokens": 50}
    turns = [
        turn(1, None, "q" * 100),
        turn(2, 1, "a" * 100, cost=counted),
        turn(3, 2, "q" * 100),
        turn(4, 3, "a" * 100),
        turn(5, 4, "q" * 20),
    ]

    # One character a token, as the engine counted: 300 minus 64 leaves room for turns 3 to 5.
    found = shown(turns, "", context=300, answer=64)

    assert found.left_out == 2
    assert [one["role"] for one in found.messages] == ["user", "assistant", "user"]
    assert shown(turns, "", context=0, answer=64).left_out == 0
    assert shown(turns, "", context=0, answer=64, drop=3).left_out == 4
    assert shown(turns, "", context=10, answer=64).left_out == 4


def test_messages_whose_answer_is_missing_are_joined() -> None:
    turns = [turn(1, None, "one"), turn(2, 1, ""), turn(3, 2, "two")]

    assert shown(turns, "", context=0, answer=1).messages == [
        {"role": "user", "content": "one\n\ntwo"}
    ]


def test_tokens_of_half_a_character_are_read_together() -> None:
    # 你 is E4 BD A0; byte-level tokenisers write these bytes as ä ½ ł.
    source, target = ["Ġä½", "ł", "</s>"], ["Ġyou", "</s>"]
    weights = [[0.5, 0.25, 0.25], [0.0, 0.1, 0.9]]

    found = attention_of(source, target, weights)

    assert found is not None
    assert [token.text for token in found.source] == ["你", "</s>"]
    assert found.source[1].is_mark
    assert found.rows[0].weights == (0.75, 0.25)
    assert found.rows[0].strongest[0][0].text == "你"
    assert attention_of(source, target, []) is None


def test_sentencepiece_tokens_lose_their_marks() -> None:
    found = attention_of(["▁café", "<0xE4>", "<0xBD>", "<0xA0>"], ["▁", "x"], [[1, 0, 0, 0]] * 2)

    assert found is not None
    assert [token.text for token in found.source] == ["café", "你"]
    assert [row.token.text for row in found.rows] == ["␣", "x"]
