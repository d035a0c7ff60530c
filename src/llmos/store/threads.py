"""The kept pool: where blocking work of the web process runs.

Its threads live as long as the process, so each keeps its database connection.
"""

import asyncio
import contextvars
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from django.conf import settings
from django.db import close_old_connections
from django.utils import translation

P = ParamSpec("P")
T = TypeVar("T")

# Enough for slow disks and password hashing; SQLite has one writer anyway.
POOL = ThreadPoolExecutor(max_workers=16, thread_name_prefix="llmos")


async def in_thread(work: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
    """Run blocking `work` in the kept pool, with this request's context variables and language."""
    context, language = contextvars.copy_context(), translation.get_language()

    def speaking() -> T:
        # Django keeps the language in a variable that other threads do not see.
        with translation.override(language):
            return work(*args, **kwargs)

    def call() -> T:
        close_old_connections()
        if language == settings.LANGUAGE_CODE:
            return context.run(work, *args, **kwargs)
        return context.run(speaking)

    return await asyncio.get_running_loop().run_in_executor(POOL, call)
