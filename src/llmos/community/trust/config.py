"""Settings of the community: `[community]`."""

from dataclasses import dataclass
from typing import Any, ClassVar

from llmos.kit.config import Section, setting


@dataclass(frozen=True)
class CommunitySettings(Section):
    section: ClassVar[str] = "community"
    levels: dict[str, Any] = setting(  # noqa: RUF009  # `setting` makes a default factory
        {},
        "what a level needs, where it differs from the house's table: "
        "[community.levels.member] posts_read = 50",
    )
    allowances: dict[str, Any] = setting(  # noqa: RUF009
        {},
        "what one post may hold, by level: [community.allowances.new] links = 5",
    )
    paces: dict[str, Any] = setting(  # noqa: RUF009
        {},
        "most in a minute, an hour and a day, by level: [community.paces.new] post = [3, 20, 60]",
    )
    pace: int = setting(100, "how fast members may write, in percent of the table; 0: no limit")
    reports_that_hide: int = setting(3, "reports that hide a new member's post until looked at")
    attachment_limit: int = setting(
        10 * 2**20, "bytes of one picture or file in a post; 0 allows none"
    )
