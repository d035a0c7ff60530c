"""What an article's authors say about it, in a form or in a file, and what is right to say."""

import re
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from django.utils.text import slugify
from django.utils.translation import gettext as _

from llmos.hub.facts.cards import first_paragraph
from llmos.kit.errors import Invalid
from llmos.kit.text import cleaned

LONGEST_SUMMARY = 300
LONGEST_SLUG = 80
LAST_PART = 10_000
_LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*")
_NOTES = re.compile(r"\[\^[^\]\s]{1,60}\](?!:)")  # marks of footnotes
# Words of addresses under a blog.
_TAKEN = frozenset({"edit", "new", "drafts"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """All that authors say; empty means that the house finds it itself or leaves it out."""

    title: str
    text: str
    slug: str = ""
    summary: str = ""
    tags: tuple[str, ...] = ()
    language: str = ""
    cover: str = ""  # address of a picture on this hub
    cover_text: str = ""
    canonical: str = ""
    series: str = ""
    part: int = 0
    translates: str = ""  # address of the same article in another language


def checked(words: Words) -> Words:
    """The words in one spelling. Raises Invalid with what is wrong; threads check the rest."""
    summary = " ".join(cleaned(words.summary).split())
    if len(summary) > LONGEST_SUMMARY:
        raise Invalid(_("A summary has at most %(n)d characters") % {"n": LONGEST_SUMMARY})
    if words.language and not _LANGUAGE.fullmatch(words.language):
        raise Invalid(
            _("A language is written as zh, en or pt-BR, not %(is)s") % _is(words.language)
        )
    if words.cover and not words.cover_text.strip():
        raise Invalid(_("Say in words what the cover shows, for those who do not see it"))
    if not 0 <= words.part <= LAST_PART:
        raise Invalid(_("A part is a number from 1 to %(n)d") % {"n": LAST_PART})
    return replace(
        words,
        slug=slug_from(words.slug),
        summary=summary,
        cover_text=" ".join(cleaned(words.cover_text).split())[:300],
        canonical=_address(words.canonical.strip()),
        series=" ".join(cleaned(words.series).split())[:200],
    )


def slug_from(text: str) -> str:
    """A word of addresses as somebody wrote it; empty where nothing was. Raises Invalid."""
    if not text.strip():
        return ""
    slug = slugify(text, allow_unicode=True)[:LONGEST_SLUG].strip("-")
    if not slug or slug in _TAKEN:
        raise Invalid(_("%(is)s cannot be an address; use letters, digits and hyphens") % _is(text))
    return slug


def opening_of(text: str) -> str:
    """The first sentences of a text, for lists."""
    return first_paragraph(_NOTES.sub("", text), longest=LONGEST_SUMMARY)


def _address(address: str) -> str:
    if not address:
        return ""
    try:
        parts = urlsplit(address)
    except ValueError:
        parts = urlsplit("")
    if parts.scheme not in {"http", "https"} or not parts.netloc or len(address) > 500:
        raise Invalid(
            _("The address of the first publication begins with https://; %(is)s does not")
            % _is(address)
        )
    return address


def _is(text: str) -> dict[str, str]:
    return {"is": text[:80]}
