"""The Jinja2 environment of our own pages: what every template may call."""

import re
from datetime import datetime
from functools import lru_cache, partial
from typing import Any

from django.contrib.auth.middleware import get_user
from django.contrib.messages import get_messages
from django.http import HttpRequest
from django.template.backends.utils import csrf_input
from django.urls import reverse
from django.utils import formats, timezone
from django.utils.functional import SimpleLazyObject
from django.utils.translation import get_language, gettext, ngettext, npgettext, pgettext
from django.utils.translation import gettext as _
from jinja2 import Environment, StrictUndefined
from markupsafe import Markup, escape

from llmos.community.moderation.reasons import shown as shown_reason
from llmos.community.notifications.bell import bell_of
from llmos.evaluation.words import number as score
from llmos.hub.kinds import KINDS
from llmos.kit.config import current
from llmos.kit.text import plain_words
from llmos.kit.time import now
from llmos.store.config import ServerSettings
from llmos.web.icons import icon, icon_again, icon_names, sprite
from llmos.web.language import html_language
from llmos.web.printing import Printing
from llmos.web.static import digest_of, static_url

_OPTION = re.compile(r"(?<=\s)(--?[A-Za-z][\w-]*)")
THEME_COOKIE = "llmos_theme"
THEMES = ("auto", "light", "dark")


def environment(**options: Any) -> Environment:
    """An environment with autoescape, our two languages and the house's filters."""
    options["undefined"] = StrictUndefined
    options.setdefault("extensions", []).append("jinja2.ext.i18n")
    options["autoescape"] = True
    built = Environment(**options, trim_blocks=True, lstrip_blocks=True)  # noqa: S701 - it is on
    built.code_generator_class = Printing
    built.install_gettext_callables(  # type: ignore[attr-defined]  # added by the extension
        gettext, ngettext, newstyle=True, pgettext=pgettext, npgettext=npgettext
    )
    built.globals.update(
        static=static_url,
        has_static=digest_of,
        url=url,
        icon=icon,
        icon_names=icon_names,
        icon_again=icon_again,
        sprite=sprite,
        kinds=KINDS,
        ago=ago,
        clean=without_none,
        waiting_news=bell_of,
    )
    built.filters.update(
        bytes=readable_bytes,
        count=short_count,
        ago=ago,
        moment=exact_moment,
        day=calendar_day,
        whole=whole_number,
        duration=readable_seconds,
        measure=readable_measure,
        score=score,
        reason=shown_reason,
        plain=plain_part,
        unbroken=with_whole_options,
        with_id=with_id,
    )
    return built


def page_context(request: HttpRequest) -> dict[str, Any]:
    """What every page knows besides what its view says."""
    theme = request.COOKIES.get(THEME_COOKIE, "auto")
    language = get_language() or "en"
    return {
        "nonce": getattr(request, "csp_nonce", ""),
        "theme": theme if theme in THEMES else "auto",
        "language": language,
        "html_language": html_language(language),
        "site": current(ServerSettings).name,
        "endpoint": endpoint_of(request),
        "user": _user_of(request),
        "csrf_input": SimpleLazyObject(partial(csrf_input, request)),  # the same in each form
        "messages": get_messages(request),
    }


def _user_of(request: HttpRequest) -> Any:
    """The user herself: through Django's lazy wrapper, each of her attributes is a call."""
    user = getattr(request, "user", None)
    return get_user(request) if isinstance(user, SimpleLazyObject) else user


def endpoint_of(request: HttpRequest) -> str:
    """What members put into `HF_ENDPOINT` to reach this hub."""
    configured = current(ServerSettings).public_url
    return configured.rstrip("/") or f"{request.scheme}://{request.get_host()}"


def url(name: str, *args: Any, **kwargs: Any) -> str:
    return reverse(name, args=args or None, kwargs=kwargs or None)


def with_id(text: Markup, pk: int) -> Markup:
    """Markup made for any row, with the id of this one in it."""
    return Markup(str.replace(text, "{id}", str(pk)))  # noqa: S704


def plain_part(text: str, longest: int) -> str:
    """The beginning of somebody's Markdown in plain words."""
    return plain_words(text, longest=longest)


def with_whole_options(text: str) -> Markup:
    """A command whose options stay whole where its lines are wrapped."""
    return Markup(_OPTION.sub(r'<span class="nowrap">\1</span>', str(escape(text))))  # noqa: S704


def without_none(values: dict[str, Any]) -> dict[str, Any]:
    """A mapping less its absent values: for attributes that are either set or not there."""
    return {key: value for key, value in values.items() if value is not None}


def readable_bytes(size: int | None) -> str:
    """`30.4 MB`: decimal units, as disks and hub clients count."""
    if size is None:
        return ""
    if size < 1000:
        return ngettext("%(n)d byte", "%(n)d bytes", size) % {"n": size}
    value, unit = size / 1000, "kB"
    for larger in ("MB", "GB", "TB", "PB"):
        if value < 999.5:
            break
        value, unit = value / 1000, larger
    return f"{value:.3g} {unit}" if value < 100 else f"{value:.0f} {unit}"


def short_count(number: int | None) -> str:
    """`1.2k`, `3.4M`; in Chinese `1.2万`, `3.4亿`."""
    value = number or 0
    if value < 1000:
        return str(value)
    steps: tuple[tuple[int, str], ...]
    if (get_language() or "").startswith("zh"):
        steps = ((10**8, "亿"), (10**4, "万"))
    else:
        steps = ((10**9, "B"), (10**6, "M"), (10**3, "k"))
    for size, unit in steps:
        if value >= size:
            return f"{value / size:.3g}{unit}" if value < 100 * size else f"{value // size}{unit}"
    return str(value)


def readable_seconds(seconds: float | None) -> str:
    """`3.2 s`, `4 min 10 s`, `2 h`."""
    if seconds is None:
        return ""
    if seconds < 9.95:
        return _("%(n)s s") % {"n": f"{seconds:.1f}"}
    whole = round(seconds)
    parts = [
        (86_400, _("%(n)s d")),
        (3600, _("%(n)s h")),
        (60, _("%(n)s min")),
        (1, _("%(n)s s")),
    ]
    first = next(place for place, (size, _text) in enumerate(parts) if whole >= size)
    said = []
    for size, text in parts[first : first + 2]:
        if whole >= size:
            said.append(text % {"n": whole // size})
        whole %= size
    return " ".join(said)


def readable_measure(value: float | None) -> str:
    """A measured number, to the digits that mean something."""
    return "" if value is None else f"{value:,.0f}" if abs(value) >= 10_000 else f"{value:.4g}"


def whole_number(number: int) -> str:
    return f"{number:,}"


def calendar_day(moment: datetime) -> str:
    return formats.date_format(timezone.localtime(moment), "DATE_FORMAT")


def ago(moment: datetime | None) -> Markup:
    """A `<time>`: relative for the eye, or the day if it is to come; exact in the title."""
    if moment is None:
        return Markup("")
    seconds = int((now() - moment).total_seconds())
    machine = moment.isoformat(timespec="seconds")
    if seconds < -60:
        words = calendar_day(moment)
    else:
        words = _relative(*_span(seconds), get_language() or "en")
    # All of it is ours: digits and a catalogue's words.
    return Markup(  # noqa: S704
        f'<time datetime="{machine}" title="{machine[:19].replace("T", " ")} UTC">{words}</time>'
    )


def exact_moment(moment: datetime) -> str:
    """Day and time on the clock of this hub, as the page's language writes them."""
    return formats.date_format(timezone.localtime(moment), "DATETIME_FORMAT")


_UNITS = (
    (31_557_600, "year"),
    (2_629_800, "month"),
    (86_400, "day"),
    (3600, "hour"),
    (60, "minute"),
)


def _span(seconds: int) -> tuple[int, str]:
    """The largest unit that fits, and how often it does."""
    for size, unit in _UNITS:
        if seconds >= size:
            return seconds // size, unit
    return 0, ""


@lru_cache(maxsize=512)
def _relative(n: int, unit: str, language: str) -> Markup:
    """`3 hours ago`, in the page's language."""
    words = {
        "year": ngettext("%(n)d year ago", "%(n)d years ago", n),
        "month": ngettext("%(n)d month ago", "%(n)d months ago", n),
        "day": ngettext("%(n)d day ago", "%(n)d days ago", n),
        "hour": ngettext("%(n)d hour ago", "%(n)d hours ago", n),
        "minute": ngettext("%(n)d minute ago", "%(n)d minutes ago", n),
        "": gettext("just now"),
    }
    return Markup.escape(words[unit] % {"n": n})
