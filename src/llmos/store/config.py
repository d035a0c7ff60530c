"""Settings of the process tree and of what it keeps."""

from dataclasses import dataclass
from typing import ClassVar

from llmos.kit.config import Section, setting


@dataclass(frozen=True)
class ServerSettings(Section):
    section: ClassVar[str] = "server"
    host: str = setting("127.0.0.1", "address to listen on; 0.0.0.0 to serve other machines")
    port: int = setting(8000, "port to listen on")
    public_url: str = setting("", "address members use, when a proxy stands in front")
    trust_proxy: bool = setting(False, "believe X-Forwarded-Proto and -For from a proxy")
    name: str = setting("LLMOS", "what this hub is called on its pages and in its mails")
    time_zone: str = setting("UTC", "time zone of the pages")
    log_level: str = setting("warning", "debug, info, warning or error")


@dataclass(frozen=True)
class DatabaseSettings(Section):
    section: ClassVar[str] = "database"
    url: str = setting("", "postgresql://user:password@host/name; empty means SQLite in the home")


@dataclass(frozen=True)
class MailSettings(Section):
    section: ClassVar[str] = "mail"
    url: str = setting("", "smtp://user:password@host:587; empty writes mails to the home")
    sender: str = setting("llmos@localhost", "From address of the mails")
    reply_domain: str = setting(
        "", "domain whose reply+… addresses come back to this hub; empty: mails take no answers"
    )
    inbox: str = setting(
        "", "host:port on which answers are taken by SMTP (lmtp://host:port by LMTP); empty: none"
    )
