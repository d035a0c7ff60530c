"""What somebody wants to see of a board, spelled in the address: filters and an order."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

RUN_HERE, CLAIMED = "run-here", "claimed"
STATES = (RUN_HERE, CLAIMED)

# Bounds in parameters: from, and up to but not with.
SIZES: Mapping[str, tuple[int, float]] = {
    "<10M": (0, 10**7),
    "10M-100M": (10**7, 10**8),
    "100M-1B": (10**8, 10**9),
    "1B-10B": (10**9, 10**10),
    ">10B": (10**10, float("inf")),
}
# A column's name, and whether it begins with its largest values.
COLUMNS: Mapping[str, bool] = {
    "place": False,
    "model": False,
    "benchmark": False,
    "score": True,
    "state": False,
    "cost": False,
    "energy": False,
    "size": False,
    "date": True,
}
ROWS_A_PAGE = 50
LONGEST_TEXT = 200


@dataclass(frozen=True, slots=True)
class Wish:
    """A board as somebody wants it; `every_commit` also shows commits measured before."""

    text: str = ""
    state: str = ""
    size: str = ""
    every_commit: bool = False
    sort: str = "place"
    reverse: bool = False
    page: int = 1
    board: str = ""  # the beginning of an older board's digest

    def query(self, **changes: Any) -> str:
        """The same with something else, from its first page unless one is given: `?…` or ``."""
        wish = replace(self, **{"page": 1, **changes})
        parts = {
            "board": wish.board,
            "q": wish.text,
            "state": wish.state,
            "size": wish.size,
            "commits": "all" if wish.every_commit else "",
            "sort": "" if wish.sort == "place" and not wish.reverse else wish.sort,
            "order": "reverse" if wish.reverse else "",
            "page": str(wish.page) if wish.page > 1 else "",
        }
        said = {key: value for key, value in parts.items() if value}
        return f"?{urlencode(said)}" if said else "?"

    def sorted_by(self, column: str) -> str:
        """The address behind a column's head: once more turns the order round."""
        return self.query(sort=column, reverse=self.sort == column and not self.reverse)

    @property
    def descending(self) -> bool:
        return COLUMNS[self.sort] != self.reverse

    @property
    def is_filtered(self) -> bool:
        return bool(self.text or self.state or self.size)


def wish_from(asked: Mapping[str, str]) -> Wish:
    """What an address asks for; what makes no sense is left out."""
    state, size, sort = asked.get("state", ""), asked.get("size", ""), asked.get("sort", "")
    page = asked.get("page", "")
    return Wish(
        text=asked.get("q", "").strip()[:LONGEST_TEXT],
        state=state if state in STATES else "",
        size=size if size in SIZES else "",
        every_commit=asked.get("commits") == "all",
        sort=sort if sort in COLUMNS else "place",
        reverse=asked.get("order") == "reverse",
        page=max(1, int(page)) if page.isdecimal() and len(page) < 6 else 1,
        board=asked.get("board", "")[:64],
    )
