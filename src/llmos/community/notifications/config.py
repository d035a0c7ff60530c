"""Settings of web push: `[push]`. Those of mail stand in `store/config.py`."""

from dataclasses import dataclass
from typing import ClassVar

from llmos.kit.config import Section, setting


@dataclass(frozen=True)
class PushSettings(Section):
    section: ClassVar[str] = "push"
    contact: str = setting(
        "", "mailto: or https: address that push services may write to; empty: the mails' sender"
    )
    inner_services: list[str] = setting(  # noqa: RUF009  # it makes a field, no default
        [],
        "push services inside this network, as http://host:port; others are public and use https",
    )
