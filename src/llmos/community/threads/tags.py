"""Tags: one row for every spelling and both languages."""

import re

from django.db.models import F
from django.utils.text import slugify
from django.utils.translation import gettext as _

from llmos.accounts.access import Viewer
from llmos.community.threads.models import Tag, TagAlias, Thread, ThreadTag
from llmos.community.trust.errors import NotTrustedYet
from llmos.community.trust.models import Level
from llmos.community.trust.queries import level_of
from llmos.kit.errors import Invalid
from llmos.kit.text import cleaned, fold

MOST_TAGS = 5
LONGEST_TAG = 40


def tag_named(word: str) -> Tag | None:
    """The tag behind a spelling in any language."""
    spelled = fold(cleaned(word)).strip().lstrip("#")
    found = TagAlias.objects.filter(alias=spelled).select_related("tag").first()
    if found is not None:
        return found.tag
    return Tag.objects.filter(name=_spelling(spelled)).first()


def words_of(field: str) -> list[str]:
    """The tags of a form's one field, separated by commas of either script."""
    return [word.strip() for word in re.split(r"[,，、]", field) if word.strip()]


def refuse_new_tags(viewer: Viewer, words: list[str]) -> None:
    """New members choose among the tags that are there. Raises NotTrustedYet."""
    if viewer.is_admin or (viewer.user_id and level_of(viewer.user_id) >= Level.MEMBER):
        return
    unknown = [word for word in words if word.strip() and tag_named(word) is None]
    if unknown:
        raise NotTrustedYet(
            _("There is no tag %(word)r yet. New members use the tags that are there: /forum/tags")
            % {"word": unknown[0][:40]}
        )


def set_tags(thread: Thread, words: list[str]) -> bool:
    """Make these the tags of a thread, making the ones that are new. In a transaction.

    Says whether anything changed. Raises Invalid.
    """
    wanted = {tag.pk: tag for tag in map(_tag_for, filter(str.strip, words))}
    if len(wanted) > MOST_TAGS:
        raise Invalid(_("A conversation has at most %(n)d tags") % {"n": MOST_TAGS})
    old = set(ThreadTag.objects.filter(thread=thread).values_list("tag_id", flat=True))
    ThreadTag.objects.filter(thread=thread, tag_id__in=old - wanted.keys()).delete()
    ThreadTag.objects.bulk_create(ThreadTag(thread=thread, tag_id=pk) for pk in wanted.keys() - old)
    Tag.objects.filter(pk__in=old - wanted.keys()).update(threads_count=F("threads_count") - 1)
    Tag.objects.filter(pk__in=wanted.keys() - old).update(threads_count=F("threads_count") + 1)
    return old != wanted.keys()


def _tag_for(word: str) -> Tag:
    found = tag_named(word)
    if found is not None:
        return found
    title = cleaned(word).strip().lstrip("#")
    name = _spelling(title)
    if not name or len(name) > LONGEST_TAG:
        raise Invalid(
            _("A tag has 1 to %(n)d letters, digits and hyphens; %(word)r has not")
            % {"n": LONGEST_TAG, "word": word[:60]}
        )
    made, _is_new = Tag.objects.get_or_create(name=name, defaults={"title_en": title[:60]})
    return made


def _spelling(word: str) -> str:
    return slugify(word, allow_unicode=True)
