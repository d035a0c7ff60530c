"""The kept pool: where blocking work of the web process runs.

Its threads live as long as the process, so each keeps its database connection.
"""

import asyncio
import contextvars
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar
from typing import ParamSpec, TypeVar

from django.db import close_old_connections
from django.utils import translation

P = ParamSpec("P")
T = TypeVar("T")

# Enough for slow disks and password hashing; SQLite has one writer anyway.
POOL = ThreadPoolExecutor(max_workers=16, thread_name_prefix="llmos")


# The language of the page whose script asks, or "". Django keeps the language in a variable that
# other threads do not see, and takes longer to look for one than a point read.
page_language: ContextVar[str] = ContextVar("page_language", default="")


def page_text(text: str) -> str:
    """`gettext` for the event loop: in the language of the page that asks; machines read English.

    Imported as `_`, so that the gatherer of texts finds what is to be translated.
    """
    language = page_language.get()
    if not language:
        return text
    with translation.override(language):
        return translation.gettext(text)


async def in_thread(work: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
    """Run blocking `work` in the kept pool, with this request's context variables."""
    context = contextvars.copy_context()

    def speaking() -> T:
        with translation.override(page_language.get()):
            return work(*args, **kwargs)

    def call() -> T:
        close_old_connections()
        if context.get(page_language):
            return context.run(speaking)
        return context.run(work, *args, **kwargs)

    return await asyncio.get_running_loop().run_in_executor(POOL, call)
