"""The first words of a new hub: two articles pushed with the data set, a greeting, first tasks.

Written once by the first administrator; a key for each makes a second run change nothing.
"""

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from llmos.accounts.models import User

WORDS = Path(__file__).parent / "words"

_GREETINGS: list[dict[str, Any]] = [
    {
        "key": "first-words-en",
        "language": "en",
        "title": "Say hello: who are you, and what do you build?",
        "text": "Welcome. One sentence is enough: what you work on, what you would like to learn, "
        "what you could help others with.\n\nNew here? The [tour](/tour) takes five minutes and "
        "ends with a model card of your own; [first tasks](/first-tasks) are small and have a "
        "mentor; the [guides](/guides) hold commands that work as they stand.",
    },
    {
        "key": "first-words-zh",
        "language": "zh",
        "title": "打个招呼：您是谁，在做什么？",
        "text": "欢迎。一句话就够：您在做什么、想学什么、能帮别人什么。\n\n初来乍到？[导览](/tour)"
        "只需五分钟，结束时您会有一张自己的模型卡片；[入门任务](/first-tasks)小而有导师；"
        "[指南](/guides)里的命令照写即可用。",
    },
]
_TASKS: list[dict[str, Any]] = [
    {
        "title": "Say in the card how dates before 1900 would be written",
        "text": "The rows hold dates from 1900 on. Read the card and the generator's rules, then "
        "propose a sentence or two for the card. A change request will do.",
        "skill": "writing",
        "minutes": 20,
    },
    {
        "title": "为数据卡片补充中文说明",
        "text": "卡片目前以英文为主。请补充一段中文说明：数据是怎样生成的、能用来做什么。"
        "提一个更改请求即可。",
        "skill": "translation",
        "minutes": 30,
    },
]


def add_articles(folder: Path) -> None:
    """Put the articles where a push publishes them."""
    shutil.copytree(WORDS, folder / "articles", dirs_exist_ok=True)


def greet(user: "User", *, data_set: str) -> None:
    """Open the greetings in the forum, and offer the first tasks on the data set."""
    from llmos.accounts.access import viewer_of_user
    from llmos.community.forum.actions import open_topic
    from llmos.community.forum.models import Category, Kind
    from llmos.community.forum.shelving import make_first
    from llmos.community.welcome.actions import offer
    from llmos.community.welcome.models import FirstTask
    from llmos.hub.access import repo_for
    from llmos.hub.kinds import KINDS

    viewer = viewer_of_user(user)
    make_first()
    shelf = Category.objects.filter(kind=Kind.OPEN, retired_at=None).first()
    if shelf is not None:
        for greeting in _GREETINGS:
            open_topic(viewer, category=shelf, tags=[], **greeting)
    repository = repo_for(viewer, KINDS["dataset"], data_set, wants="write")
    if FirstTask.objects.filter(repository=repository).exists():
        return
    for task in _TASKS:
        offer(viewer, repository=repository, mentor=user.username, check_kind="merged", **task)
