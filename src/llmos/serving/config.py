"""What running models may cost, and who may ask for it."""

from dataclasses import dataclass
from typing import Any, ClassVar

from llmos.kit.config import Section, setting


@dataclass(frozen=True)
class ServingSettings(Section):
    section: ClassVar[str] = "serving"
    enabled: bool = setting(True, "run models for members; needs the engines (llmos[serve])")
    anonymous: bool = setting(False, "run public models also for visitors who did not sign in")
    engines: int = setting(3, "engines in memory at once; the least used gives way to the next")
    idle_seconds: int = setting(600, "an engine that nobody used for so long is unloaded")
    threads: int = setting(0, "cores for each engine; 0 means all")
    slots: int = setting(8, "requests that one engine works on at once")
    context: int = setting(8192, "most tokens of one conversation, question and answer together")
    conversations_mb: int = setting(
        1536, "memory for the conversations of one engine; it takes fewer at once to keep to it"
    )
    queue: int = setting(64, "requests that may wait for one engine; more are answered 429")
    queue_seconds: int = setting(60, "a request that waited so long is answered 429")
    start_seconds: int = setting(300, "time for an engine to load, conversion included")
    answer_seconds: int = setting(120, "time for an engine's next token")
    whole_seconds: int = setting(600, "time for an answer that is not streamed")
    most_tokens: int = setting(4096, "most new tokens of one answer")
    at_once: int = setting(8, "requests of one member at once")
    per_minute: int = setting(240, "requests of one member in a minute")
    spare_memory_mb: int = setting(512, "memory that engines leave free")
    cache_gb: int = setting(50, "disk for models made ready; the longest unused go first")
    remotes: dict[str, Any] = setting(  # noqa: RUF009  # `setting` makes a default factory
        {},
        'engines elsewhere: [serving.remotes."name"] url (…/v1), model, and key_variable, the '
        "environment variable with the key; every member may use them",
    )
