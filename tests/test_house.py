"""The house itself: its pages say what its code is."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "src" / "llmos"
PAGES = [
    *ROOT.glob("*.md"),
    *(ROOT / "docs").rglob("*.md"),
]


def _rooms() -> set[str]:
    return {path.parent.name for path in PACKAGE.glob("*/__init__.py")}


def test_every_room_has_one_sentence_in_the_structure_page() -> None:
    page = (ROOT / "docs" / "structure.md").read_text(encoding="utf-8")
    table = page.partition("## The rooms")[2].partition("##")[0]
    told = re.findall(r"^\| `(\w+)` \| (.+) \|$", table, re.MULTILINE)

    assert {room for room, _ in told} == _rooms()
    assert all(len(sentence) > 20 for _, sentence in told)


def test_rooms_stand_in_the_contract_in_the_order_of_the_page() -> None:
    page = (ROOT / "docs" / "structure.md").read_text(encoding="utf-8")
    table = page.partition("## The rooms")[2].partition("##")[0]
    contract = re.search(
        r"exhaustive = true\nlayers = \[(.*?)\]", (ROOT / "pyproject.toml").read_text(), re.DOTALL
    )
    assert contract is not None

    told = re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)

    rows = [row.split(" | ") for row in re.findall(r'"([^"]+)"', contract[1])]
    assert told == [room for row in reversed(rows) for room in row]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)#\s]+)", text):
        if "://" not in target and not target.endswith(".png"):
            assert (page.parent / target).exists(), target


def test_reference_pages_are_what_the_code_says() -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "tools" / "docs", "--check"], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_target_of_the_makefile_is_explained() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^(run|setup|test|check|bench|messages):", makefile, re.MULTILINE))

    assert targets == set(re.findall(r"^#   make (\w+)", makefile, re.MULTILINE))


def test_every_lint_opt_out_has_its_reason() -> None:
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    ignored = text.partition("\nignore = [")[2].partition("\n]")[0]
    lines = [line for line in ignored.splitlines() if line.strip()]

    assert lines
    assert all(re.search(r'"[A-Z0-9]+",\s+# \S.{4,}', line) for line in lines)


def test_both_readmes_have_the_same_commands() -> None:
    english, chinese = (
        re.findall(r"```\w*\n(.*?)```", (ROOT / name).read_text(encoding="utf-8"), re.DOTALL)
        for name in ("README.md", "README.zh-CN.md")
    )
    assert english == chinese


def test_decisions_are_numbered_without_a_gap() -> None:
    names = sorted(path.name for path in (ROOT / "docs" / "decisions").glob("*.md"))

    assert [int(name[:4]) for name in names] == list(range(1, len(names) + 1))


def test_nothing_in_the_house_is_larger_than_one_reading() -> None:
    done = subprocess.run(
        [sys.executable, "tools/check_sizes"], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
