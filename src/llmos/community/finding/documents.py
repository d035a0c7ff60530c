"""Posts as the search index sees them: one document for each, under its thread's place."""

from collections.abc import Callable, Collection, Iterable, Iterator

from django.db.models import QuerySet

from llmos.community.threads.models import Post, State, Thread, ThreadTag
from llmos.kit.text import fold
from llmos.store.search import EVERYBODY, Document

BATCH = 500
LONGEST = 20_000  # characters of one post that are searched

# What the room of a place knows of threads: `solved:yes`, `category:questions`, by thread id.
Facts = Callable[[Collection[int]], dict[int, list[str]]]
_facts: dict[str, Facts] = {}


def provide_facts(place: str, facts: Facts) -> None:
    """Name a function that tells terms of the threads of one place."""
    _facts[place] = facts


def documents_of(posts: Iterable[Post]) -> Iterator[Document]:
    """Documents of posts whose thread, author and repository were read with them."""
    found = list(posts)
    threads = {post.thread_id: post.thread for post in found}
    terms = {pk: _terms(thread) for pk, thread in threads.items()}
    tags: dict[int, list[str]] = {pk: [] for pk in threads}
    rows = ThreadTag.objects.filter(thread_id__in=threads).select_related("tag")
    for row in rows:
        terms[row.thread_id].append(f"tag:{row.tag.name}")
        tags[row.thread_id] += [row.tag.name, row.tag.title_en, row.tag.title_zh]
    for place, facts in _facts.items():
        asked = [pk for pk, thread in threads.items() if thread.place == place]
        for pk, told in (facts(asked) if asked else {}).items():
            terms[pk] += told
    for post in found:
        yield _document(post, terms[post.thread_id], " ".join(tags[post.thread_id]))


def search_documents() -> Iterator[Document]:
    """Every post that lists show, for a rebuild."""
    batch = []
    for post in searched_posts().order_by("pk").iterator(chunk_size=BATCH):
        batch.append(post)
        if len(batch) == BATCH:
            yield from documents_of(batch)
            batch = []
    yield from documents_of(batch)


def searched_posts() -> QuerySet[Post]:
    """Posts that can be found, with what a document says of them."""
    return Post.objects.filter(
        state=State.VISIBLE,
        thread__state=State.VISIBLE,
        thread__published_at__isnull=False,
        deed="",
    ).select_related("thread__repository", "author")


def _terms(thread: Thread) -> list[str]:
    return [f"place:{thread.place}"]


def _document(post: Post, terms: list[str], tags: str) -> Document:
    thread = post.thread
    private = thread.repository is not None and thread.repository.is_private
    own = [f"lang:{post.language[:2]}"]
    if post.author is not None:
        own.append(f"author:{fold(post.author.username)}")
    return Document(
        kind=thread.place,
        id=post.pk,
        names=thread.title if post.number == 1 else "",
        tags=tags if post.number == 1 else "",
        text=post.text[:LONGEST],
        scope=f"ns:{thread.repository.namespace_id}"
        if private and thread.repository
        else EVERYBODY,
        terms=(*terms, *own),
        at=int(post.created_at.timestamp()),
    )
