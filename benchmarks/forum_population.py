"""A forum that was talked in for years: topics and posts in both languages, made fast.

`python -m benchmarks.forum_population HOME TOPICS POSTS` fills the home's forum with members,
topics in every category, tags, answers and where one reader left off, and prints the ids of the
topics whose first page is full. Texts are rendered once
and used often, rows are written in bulk. The hub must not run meanwhile; `llmos search rebuild`
afterwards lets the topics be found.
"""

import json
import os
import random
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from llmos.accounts.models import User
    from llmos.community.threads.models import Post, Thread

MEMBERS = 400
TEXTS = 120  # different ones in each language
BATCH = 2000
READ = 1500  # topics that the reader has opened
READER = "member-0"

_SUBJECTS = {
    "en": "loss tokenizer attention learning-rate batch dataset benchmark checkpoint gradient "
    "translation decoder quantisation memory licence corpus evaluation".split(),
    "zh": "损失 分词器 注意力 学习率 批次 数据集 基准 检查点 梯度 翻译 解码器 量化 显存 许可 "
    "语料 评测".split(),
}
_TITLES = {
    "en": [
        "Why does the {0} explode after a change of the {1}?",
        "How do I choose the {0} for a small model of {1}?",
        "Our {0} with a better {1}, trained on one laptop",
        "{0} and {1}: what did you measure?",
    ],
    "zh": [
        "换了{1}以后{0}为什么爆炸？",
        "小模型的{1}任务里{0}怎么选？",
        "一台笔记本训练的{0}，{1}更好了",
        "关于{0}和{1}，大家测出来是多少？",
    ],
}
_TEXTS = {
    "en": "I tried the **{0}** with `batch={2}` and the {1} changed from {2}.4 to {3}.1.\n\n"
    "- first the {0}\n- then the {1}\n\n```python\nrun(size={3}, seed={2})\n```\n\n"
    "Has anybody seen the same with another {0}?",
    "zh": "我用 `batch={2}` 试了**{0}**，{1}从 {2}.4 变到 {3}.1。\n\n- 先换{0}\n- 再看{1}\n\n"
    "```python\nrun(size={3}, seed={2})\n```\n\n有人用别的{0}遇到过同样的情况吗？",
}


def main() -> None:
    home, topics, posts = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    os.environ["LLMOS_HOME"] = str(home)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "llmos.web.settings")
    import django

    django.setup(set_prefix=False)
    populate(topics, posts)
    print(json.dumps(long_topics()))  # noqa: T201 - what the bench reads


def long_topics() -> list[int]:
    """Topics whose first page is full."""
    from llmos.community.threads.addresses import POSTS_A_PAGE
    from llmos.community.threads.models import Thread

    found = Thread.objects.filter(posts_count__gte=POSTS_A_PAGE).order_by("pk")
    return list(found.values_list("pk", flat=True))


def populate(topics: int, posts: int) -> None:
    """Open so many topics with so many posts in all; the same numbers give the same forum."""
    from django.db import transaction

    from llmos.community.forum.shelving import make_first

    make_first()
    chance = random.Random(topics)  # noqa: S311 - a repeatable choice, not a secret
    members = _members()
    texts = {language: _texts(chance, language) for language in _TEXTS}
    lengths = _lengths(chance, topics, posts)
    for start in range(0, topics, BATCH):
        with transaction.atomic():
            _fill(chance, members, texts, lengths[start : start + BATCH], topics - start)
    with transaction.atomic():
        _read(chance, members[0])
        _count()


def _members() -> list["User"]:
    from llmos.accounts.models import Namespace, User

    names = [f"member-{number}" for number in range(MEMBERS)]
    Namespace.objects.bulk_create(
        [Namespace(name=name, key=name, kind="user") for name in names], ignore_conflicts=True
    )
    spaces = {one.name: one for one in Namespace.objects.filter(name__in=names)}
    User.objects.bulk_create(
        [User(username=name, namespace=spaces[name], password="!") for name in names],
        ignore_conflicts=True,
    )
    return list(User.objects.filter(username__in=names).order_by("pk"))


def _texts(chance: random.Random, language: str) -> list[tuple[str, str]]:
    """Markdown and its HTML, as a post keeps both."""
    from llmos.community.threads.rendering import render

    found = []
    for _ in range(TEXTS):
        words = chance.sample(_SUBJECTS[language], 2)
        text = _TEXTS[language].format(*words, chance.randrange(100), chance.randrange(100))
        found.append((text, render(text).html))
    return found


def _lengths(chance: random.Random, topics: int, posts: int) -> list[int]:
    """Posts of each topic: a fifth was never answered, some are long; as many as asked for."""
    weights = [chance.paretovariate(1.3) if place % 5 else 0 for place in range(topics)]
    share = (posts - topics) / sum(weights)
    lengths = [1 + int(weight * share) for weight in weights]
    answered = [place for place in range(topics) if place % 5]
    for number in range(posts - sum(lengths)):
        lengths[answered[number % len(answered)]] += 1
    return lengths


def _fill(
    chance: random.Random,
    members: list["User"],
    texts: dict[str, list[tuple[str, str]]],
    lengths: list[int],
    ago: int,
) -> None:
    """A batch of topics; `ago` is how many topics before the newest the first one is."""
    from llmos.community.forum.models import Category, Topic
    from llmos.community.threads.models import Post, Tag, Thread, ThreadTag

    categories, tags = list(Category.objects.order_by("place")), list(Tag.objects.all())
    threads = [
        _thread(chance, members, chance.choice(categories).pk, ago - place, length)
        for place, length in enumerate(lengths)
    ]
    Thread.objects.bulk_create(threads, batch_size=500)
    for thread in threads:
        thread.address = f"/t/{thread.pk}/topic-{thread.pk}"
    Thread.objects.bulk_update(threads, ["address"], batch_size=200)
    ThreadTag.objects.bulk_create(
        [
            ThreadTag(thread=thread, tag=tag)
            for thread in threads
            for tag in chance.sample(tags, chance.randrange(4))
        ],
        batch_size=500,
    )
    asks = {one.pk for one in categories if one.asks}
    known = [thread.pk for thread in threads]
    Topic.objects.bulk_create(
        [
            Topic(
                thread=thread,
                category_id=thread.shelf,
                waits=thread.shelf in asks and length == 1,
                score=length + 2 * thread.reactions_count,
                counted=length,
                similar=chance.sample(known, min(6, len(known))),
            )
            for thread, length in zip(threads, lengths, strict=True)
        ],
        batch_size=500,
    )
    rows: list[Post] = []
    for thread, length in zip(threads, lengths, strict=True):
        rows += _posts(chance, members, texts[thread.language], thread, length)
    Post.objects.bulk_create(rows, batch_size=500)
    _accept(chance, [thread for thread in threads if thread.shelf in asks])


def _thread(
    chance: random.Random, members: list["User"], shelf: int, ago: int, length: int
) -> "Thread":
    from llmos.community.threads.models import Thread
    from llmos.kit.time import now

    language = chance.choice(["en", "zh"])
    opened = now() - timedelta(minutes=30 * ago)
    return Thread(
        place="topic",
        shelf=shelf,
        title=chance.choice(_TITLES[language]).format(*chance.sample(_SUBJECTS[language], 2)),
        address="/t",
        language=language,
        author=chance.choice(members),
        last_author=chance.choice(members),
        published_at=opened,
        created_at=opened,
        bumped_at=opened + timedelta(minutes=length),
        last_number=length,
        posts_count=length,
        reactions_count=chance.randrange(5),
        views=chance.randrange(2000),
    )


def _posts(
    chance: random.Random,
    members: list["User"],
    texts: list[tuple[str, str]],
    thread: "Thread",
    length: int,
) -> Iterator["Post"]:
    from llmos.community.threads.models import Post
    from llmos.community.threads.rendering import VERSION

    for number in range(1, length + 1):
        text, html = chance.choice(texts)
        yield Post(
            thread=thread,
            number=number,
            author=thread.author if number == 1 else chance.choice(members),
            text=text,
            html=html,
            renderer=VERSION,
            language=thread.language,
            reactions={"heart": 1 + number % 3} if number % 4 == 0 else {},
            created_at=thread.created_at + timedelta(minutes=number),
        )


def _accept(chance: random.Random, threads: list["Thread"]) -> None:
    """Half of the questions that were answered are solved."""
    from llmos.community.forum.models import Topic
    from llmos.community.threads.models import Post

    chosen = [one for one in threads if one.posts_count > 1 and chance.random() < 0.5]
    answers = dict(Post.objects.filter(thread__in=chosen, number=2).values_list("thread_id", "pk"))
    topics = list(Topic.objects.filter(pk__in=answers))
    for topic in topics:
        topic.answer_id, topic.solved_at = answers[topic.pk], _now()
    Topic.objects.bulk_update(topics, ["answer", "solved_at"], batch_size=200)


def _read(chance: random.Random, reader: "User") -> None:
    """The reader has opened some topics, not all to the end, and muted one tag."""
    from llmos.community.threads.models import Reading, Tag, Thread, Watch

    newest = Thread.objects.filter(place="topic").order_by("-pk")[:READ]
    Reading.objects.bulk_create(
        [
            Reading(user=reader, thread=one, last_number=chance.randint(1, one.last_number))
            for one in newest
        ],
        batch_size=500,
        ignore_conflicts=True,
    )
    muted = Tag.objects.get(name="licence")
    Watch.objects.get_or_create(
        user=reader, kind=Watch.Kind.TAG, target=str(muted.pk), defaults={"level": -1}
    )


def _count() -> None:
    from django.db.models import Count, Sum

    from llmos.community.forum.models import Category, Topic
    from llmos.community.threads.models import Tag

    rows: Any = Topic.objects.values("category").annotate(n=Count("pk"), posts=Sum("counted"))
    for row in rows:
        counts = {"topics_count": row["n"], "posts_count": row["posts"]}
        Category.objects.filter(pk=row["category"]).update(**counts)
    for tag in Tag.objects.annotate(n=Count("thread_rows")):
        Tag.objects.filter(pk=tag.pk).update(threads_count=tag.n)


def _now() -> Any:
    from llmos.kit.time import now

    return now()


if __name__ == "__main__":
    main()
