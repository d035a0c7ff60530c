"""`llmos translate`, `generate` and `chat` as programs and people use them."""

import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.lab.tiny_models import TEXTS, tiny_translator, tiny_writer

from llmos.lab.engines import Sampling, open_engine

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("using")
    tiny_translator(folder / "translator")
    tiny_writer(folder / "writer")
    return folder


def command(place: Path, *arguments: str | Path) -> list[str]:
    return [sys.executable, "-m", "llmos.cli.main", *map(str, arguments)]


def environment(place: Path) -> dict[str, str]:
    return {**os.environ, "XDG_CACHE_HOME": str(place / "cache")}


def llmos(place: Path, *arguments: str | Path, stdin: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(place, *arguments),
        input=stdin,
        env=environment(place),
        capture_output=True,
        text=True,
        timeout=120,
    )


def translations(place: Path, lines: list[str]) -> list[str]:
    engine = open_engine(place / "translator", threads=1, cache=place / "cache/llmos/engines")
    found = engine.translate(lines, beam=2, max_new=9)
    engine.close()
    return [" ".join(one.text.splitlines()) for one in found]


def test_a_program_that_waits_for_each_line_gets_each_answer(place: Path) -> None:
    process = subprocess.Popen(
        command(place, "translate", place / "translator", "--beam", "2", "--max-new", "9"),
        env=environment(place),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    answers = []
    for line in ("the cat sat", "", "a dog ran"):
        process.stdin.write(line + "\n")
        process.stdin.flush()
        answers.append(process.stdout.readline().removesuffix("\n"))
    rest, told = process.communicate(timeout=60)
    one, two = translations(place, ["the cat sat", "a dog ran"])
    assert answers == [one, "", two]
    assert rest == ""
    assert "CPU-seconds" in told


def test_a_file_and_arguments_are_answered_line_for_line(place: Path, tmp_path: Path) -> None:
    file = tmp_path / "in.txt"
    file.write_text("".join(f"{text}\n" for text in TEXTS[:3]) + "\n" + "word " * 900 + "\n")
    wish = ["--beam", "2", "--max-new", "9", "--file", file, "--json", "--alternatives", "2"]
    done = llmos(place, "translate", place / "translator", *wish)
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert [row["text"] for row in rows[:4]] == [*translations(place, TEXTS[:3]), ""]
    assert len(rows[0]["alternatives"]) == 2
    assert "takes at most 512" in rows[4]["error"]
    assert done.returncode == 1
    assert "Lines without an answer: 1" in done.stderr


def test_text_goes_on_the_same_from_an_argument_and_from_lines(place: Path) -> None:
    engine = open_engine(place / "writer", threads=1, cache=place / "cache/llmos/engines")
    expected = engine.generate(["the cat"], sampling=Sampling(max_new=6))[0].text
    streamed = "".join(engine.stream("the cat", sampling=Sampling(max_new=6)))
    engine.close()
    wish = ["--max-new", "6", "--threads", "1"]
    single = llmos(place, "generate", place / "writer", "the cat", *wish)
    assert single.stdout.removesuffix("\n") == streamed
    lines = llmos(
        place, "generate", place / "writer", *wish, "--json", stdin="the cat\n\nthe cat\n"
    )
    assert [json.loads(line)["text"] for line in lines.stdout.splitlines()] == [
        expected,
        "",
        expected,
    ]


def test_a_model_of_the_other_kind_says_so_in_one_sentence(place: Path) -> None:
    done = llmos(place, "translate", place / "writer", "hello")
    assert done.returncode == 1
    assert "A model for text-generation run by llama_cpp cannot translate" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_conversation_by_lines_is_answered_until_it_ends(place: Path) -> None:
    said = "hello\n/nonsense\n/system be brief\nagain\n/retry\n/exit\nnever read\n"
    wish = ["--max-new", "5", "--seed", "3", "--engine", "llama_cpp"]
    done = llmos(place, "chat", place / "writer", *wish, stdin=said)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("\n") >= 3
    assert "There is no /nonsense" in done.stderr


def test_a_conversation_that_grew_too_long_forgets_its_beginning(place: Path) -> None:
    said = "".join(f"{'word ' * 20}{n}\n" for n in range(4)) + "word " * 400 + "\n"
    done = llmos(place, "chat", place / "writer", "--max-new", "5", "--seed", "3", stdin=said)
    assert done.returncode == 0, done.stderr
    assert "The beginning was forgotten" in done.stderr
    assert "takes at most" in done.stderr  # the last message alone does not fit


class Person:
    """Somebody at a terminal, who reads what comes."""

    def __init__(self, process: subprocess.Popen[bytes], screen: int) -> None:
        self.process, self._screen, self.seen = process, screen, ""

    def wait_for(self, pattern: str, *, seconds: float = 60) -> None:
        end = time.monotonic() + seconds
        while not re.search(pattern, self.seen):
            assert time.monotonic() < end, self.seen
            if select.select([self._screen], [], [], 0.2)[0]:
                self.seen += os.read(self._screen, 4096).decode("utf-8", "replace")

    def types(self, text: str) -> None:
        os.write(self._screen, text.encode())


@pytest.fixture
def person(place: Path) -> Iterator[Person]:
    screen, inner = pty.openpty()
    wish = ["--max-new", "100000", "--seed", "1", "--engine", "transformers"]
    process = subprocess.Popen(
        command(place, "chat", place / "writer", *wish),
        env=environment(place),
        stdin=inner,
        stdout=inner,
        stderr=inner,
        start_new_session=True,
    )
    os.close(inner)
    yield Person(process, screen)
    process.kill()
    process.wait()
    os.close(screen)


def test_ctrl_c_stops_an_answer_and_not_the_program(person: Person) -> None:
    person.wait_for(r"> $")
    person.types("hello\n")
    person.wait_for(r"hello\r\n[^>]{2,}")
    person.process.send_signal(signal.SIGINT)
    person.wait_for(r"\[stopped\]\s+> $")
    time.sleep(0.5)  # between its prompt and its waiting, Python hears no signal
    person.process.send_signal(signal.SIGINT)
    person.wait_for("Ctrl-D leaves")
    person.types("/exit\n")
    person.wait_for("CPU-seconds")
    assert person.process.wait(timeout=30) == 0
