"""A forum of years: what a page of it, a search and a feed cost, and telling many at once."""

import json
import subprocess
import sys
from collections.abc import Iterator
from urllib.parse import quote

from benchmarks.bench import Bench, Load, loaded
from benchmarks.load import Call
from benchmarks.report import Measurement

TOPICS, POSTS, FOLLOWERS, FOLLOWS = 10_000, 200_000, 10_000, 200
CALLS = 150
WORDS = ("翻译", "注意力机制", "loss gradient", "tokenizer")
GZIP = {"Accept-Encoding": "gzip"}


def measure(bench: Bench) -> Iterator[Measurement]:
    topics, posts = bench.scaled(TOPICS), bench.scaled(POSTS)
    bench.hub.stop()
    long_ones = _run("forum_population", bench, topics, posts)
    session = _run("feed_population", bench, FOLLOWS).strip()
    bench.hub.command("search", "rebuild")
    bench.hub.start()
    bench.hub.wait_for_worker()
    shown = f"{topics:,} topics with {posts:,} posts"
    long_topics = [f"/t/{number}/topic-{number}" for number in json.loads(long_ones)]
    pages = {
        "topic page of 30 posts": (long_topics[:: max(1, len(long_topics) // CALLS)], 12),
        "category page": (["/forum/c/questions"], 10),
        "forum page": (["/forum"], 10),
        "feed of everything": (["/feed"], 15),
        **{f"search for {word}": ([f"/search?q={quote(word)}"], 30) for word in WORDS},
    }
    for name, (paths, limit) in pages.items():
        load = loaded(bench.hub, _calls(paths), rounds=3, warm=10)
        yield _row(f"{name}, {shown}", load, limit)
    cookie = {**GZIP, "Cookie": f"llmos_session={session}"}
    of_members = {
        f"feed of a member who follows {FOLLOWS}, {topics:,} activities": (["/feed"], 15),
        f"topic page of 30 posts for a member, {shown}": (pages["topic page of 30 posts"][0], 12),
        f"category page for a member, {shown}": (["/forum/c/questions"], 10),
    }
    for name, (paths, limit) in of_members.items():
        yield _row(name, loaded(bench.hub, _calls(paths, cookie), rounds=3, warm=10), limit)
    yield from _telling(bench)


def _telling(bench: Bench) -> Iterator[Measurement]:
    """A post in a topic that many watch: what its writer waits for, and when all are told."""
    followers = bench.scaled(FOLLOWERS)
    told = json.loads(_run("telling", bench, followers))
    what = f"post in a topic watched by {followers:,}"
    yield Measurement(f"{what}: written and filed", told["filed_ms"], "ms", limit=100)
    yield Measurement(f"{what}: all are told", told["told_s"], "s", detail=told)


def _run(module: str, bench: Bench, *numbers: int) -> str:
    done = subprocess.run(
        [sys.executable, "-m", f"benchmarks.{module}", str(bench.hub.home), *map(str, numbers)],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    return done.stdout


def _calls(paths: list[str], headers: dict[str, str] = GZIP) -> list[Call]:
    return [Call(path, headers=headers) for path in (paths * CALLS)[: max(CALLS, len(paths))]]


def _row(what: str, load: Load, limit: float) -> Measurement:
    return Measurement(
        f"{what}: server CPU", load.server_ms, "ms", limit=limit, detail=load.detail()
    )
