"""The categories themselves: the first ones, and what administrators change about them."""

import re
from dataclasses import dataclass

from django.db import transaction
from django.db.models import Max
from django.utils.translation import gettext as _

from llmos.accounts.access import Viewer
from llmos.community.forum.models import Category, Kind
from llmos.community.threads.access import writer
from llmos.community.threads.models import Tag, TagAlias
from llmos.community.trust.models import Level
from llmos.kit.errors import Conflict, Forbidden, Invalid
from llmos.kit.text import cleaned, fold
from llmos.kit.time import now

_SLUG = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?")

# Slug, kind, who opens topics; English and Chinese name and sentence.
_FIRST = [
    (
        "announcements",
        Kind.ANNOUNCEMENT,
        Level.STEWARD,
        ("Announcements", "What changes here, and what to do about it."),
        ("公告", "这里的变化，以及需要做什么。"),
    ),
    (
        "questions",
        Kind.QUESTION,
        Level.NEW,
        ("Questions", "Ask how something is done; the answer that helped is marked."),
        ("提问", "问问怎么做；真正有帮助的回答会被标出。"),
    ),
    (
        "show",
        Kind.SHOW,
        Level.NEW,
        ("Show and tell", "Models, data and tools that you made, and how you made them."),
        ("作品展示", "你做的模型、数据和工具，以及怎么做出来的。"),
    ),
    (
        "support",
        Kind.SUPPORT,
        Level.NEW,
        ("Support", "Something on this hub does not work as it should."),
        ("使用帮助", "本站有什么地方不对劲。"),
    ),
    (
        "discussion",
        Kind.OPEN,
        Level.NEW,
        ("Open discussion", "Whatever else is worth talking about."),
        ("自由讨论", "其他值得聊的话题。"),
    ),
]
# Name, Chinese title, other spellings.
_FIRST_TAGS = [
    ("translation", "翻译", "machine-translation mt 机器翻译"),
    ("training", "训练", "train pretraining 预训练"),
    ("fine-tuning", "微调", "finetuning finetune lora sft"),
    ("evaluation", "评测", "eval benchmark benchmarks 评估 基准"),
    ("data", "数据", "dataset datasets corpus 数据集 语料"),
    ("tokenizer", "分词器", "tokeniser tokenization bpe 分词 词元"),
    ("inference", "推理", "serving deployment 部署"),
    ("quantisation", "量化", "quantization gguf int8"),
    ("architecture", "模型结构", "transformer attention 注意力"),
    ("installation", "安装", "install setup 环境"),
    ("hardware", "硬件", "gpu cpu cuda 显卡"),
    ("licence", "许可", "license licensing 许可证 版权"),
]


@dataclass(frozen=True, slots=True)
class Wish:
    """A category as a form describes it."""

    slug: str
    kind: str
    title_en: str
    title_zh: str
    about_en: str = ""
    about_zh: str = ""
    opens_from: int = Level.NEW


@transaction.atomic
def make_first() -> None:
    """The first categories and tags of a new hub. Where there ever was a category: nothing."""
    if Category.objects.exists():
        return
    Category.objects.bulk_create(
        Category(
            slug=slug,
            kind=kind,
            opens_from=level,
            place=place,
            title_en=english[0],
            about_en=english[1],
            title_zh=chinese[0],
            about_zh=chinese[1],
        )
        for place, (slug, kind, level, english, chinese) in enumerate(_FIRST)
    )
    for name, title, spellings in _FIRST_TAGS:
        tag, is_new = Tag.objects.get_or_create(
            name=name, defaults={"title_en": name, "title_zh": title}
        )
        if is_new:
            for alias in (title, *spellings.split()):
                TagAlias.objects.get_or_create(alias=fold(alias), defaults={"tag": tag})


@transaction.atomic
def add_category(viewer: Viewer, wish: Wish) -> Category:
    """At the end of the list. Raises Conflict, Invalid, Forbidden."""
    administrator(viewer)
    checked = _checked(wish)
    if not _SLUG.fullmatch(wish.slug):
        raise Invalid(_("An address has small letters, digits and hyphens: model-cards"))
    if Category.objects.filter(slug=wish.slug).exists():
        raise Conflict(_("There is a category at this address already"))
    last = Category.objects.aggregate(last=Max("place"))["last"]
    return Category.objects.create(slug=wish.slug, place=0 if last is None else last + 1, **checked)


@transaction.atomic
def change_category(viewer: Viewer, *, category: Category, wish: Wish) -> None:
    """Name, sentence, kind and who opens topics; its address stays. Raises Invalid, Forbidden."""
    administrator(viewer)
    Category.objects.filter(pk=category.pk).update(**_checked(wish))


@transaction.atomic
def step_category(viewer: Viewer, *, category: Category, up: bool) -> None:
    """Change places with its neighbour in the list; at the end of it nothing happens."""
    administrator(viewer)
    rows = list(Category.objects.select_for_update().order_by("place", "pk"))
    at = next(index for index, row in enumerate(rows) if row.pk == category.pk)
    other = at - 1 if up else at + 1
    if not 0 <= other < len(rows):
        return
    rows[at], rows[other] = rows[other], rows[at]
    for place, row in enumerate(rows):
        row.place = place
    Category.objects.bulk_update(rows, ["place"])


@transaction.atomic
def set_retired(viewer: Viewer, *, category: Category, retired: bool) -> None:
    """Take no new topics and be listed no more, or be back; its topics stay readable."""
    administrator(viewer)
    Category.objects.filter(pk=category.pk).update(retired_at=now() if retired else None)


@transaction.atomic
def change_tag(
    viewer: Viewer, *, tag: Tag, title_en: str, title_zh: str, aliases: list[str]
) -> None:
    """Titles in both languages and all other spellings of a tag.

    Raises Conflict where a spelling belongs to another tag, Invalid, Forbidden.
    """
    title = " ".join(cleaned(title_en).split())
    if not 0 < len(title) <= 60:
        raise Invalid(_("A tag needs a title of 1 to 60 characters"))
    spelled = {fold(cleaned(word)).strip().lstrip("#")[:60] for word in aliases} - {"", tag.name}
    taken = TagAlias.objects.filter(alias__in=spelled).exclude(tag=tag).first()
    other = Tag.objects.filter(name__in=spelled).first()
    if taken is not None or other is not None:
        word = taken.alias if taken is not None else other.name if other is not None else ""
        raise Conflict(_("%(word)r is a spelling of another tag already") % {"word": word})
    tag.title_en, tag.title_zh = title, " ".join(cleaned(title_zh).split())[:60]
    tag.save(update_fields=["title_en", "title_zh"])
    TagAlias.objects.filter(tag=tag).exclude(alias__in=spelled).delete()
    kept = set(TagAlias.objects.filter(tag=tag).values_list("alias", flat=True))
    TagAlias.objects.bulk_create(TagAlias(alias=word, tag=tag) for word in spelled - kept)


def administrator(viewer: Viewer) -> int:
    """Raises Unauthenticated, Forbidden."""
    member = writer(viewer, "change categories")
    if not viewer.is_admin:
        raise Forbidden(_("Administrators of this hub change categories"))
    return member


def _checked(wish: Wish) -> dict[str, str | int]:
    names = {
        "title_en": " ".join(cleaned(wish.title_en).split()),
        "title_zh": " ".join(cleaned(wish.title_zh).split()),
    }
    if any(not 0 < len(name) <= 60 for name in names.values()):
        raise Invalid(_("A category has a name of 1 to 60 characters in both languages"))
    abouts = {
        "about_en": " ".join(cleaned(wish.about_en).split()),
        "about_zh": " ".join(cleaned(wish.about_zh).split()),
    }
    if any(len(about) > 200 for about in abouts.values()):
        raise Invalid(_("What a category is for is said in at most 200 characters"))
    if wish.kind not in Kind.values:
        raise Invalid(_("There is no kind %(kind)r") % {"kind": wish.kind[:20]})
    if wish.opens_from not in Level.values:
        raise Invalid(_("There is no level %(level)r") % {"level": wish.opens_from})
    return {**names, **abouts, "kind": wish.kind, "opens_from": wish.opens_from}
