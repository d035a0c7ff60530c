"""Which articles a viewer may read and change, and in whose name she may write."""

from django.utils.crypto import constant_time_compare

from llmos.accounts.access import Viewer
from llmos.accounts.models import Namespace, Role
from llmos.accounts.queries import includes, namespace_named, role_in
from llmos.community.blog.errors import ArticleNotFound, BlogNotFound, NotYourArticle, NotYourBlog
from llmos.community.blog.models import WITH, Article, Coauthor
from llmos.community.threads.access import Keeping, is_moderator, sees, wrote
from llmos.community.threads.models import State, Thread
from llmos.hub.access import may_create_in


def blog_named(name: str) -> Namespace:
    """Raises BlogNotFound."""
    found = namespace_named(name)
    if found is None:
        raise BlogNotFound
    return found


def check_writer(viewer: Viewer, blog: Namespace) -> None:
    """Raises NotYourBlog unless the viewer may write in the name of a member or organisation."""
    if not may_create_in(viewer, blog):
        raise NotYourBlog(blog.name)


def article_for(viewer: Viewer, blog_name: str, slug: str) -> Article:
    """Raises ArticleNotFound."""
    blog = namespace_named(blog_name)
    if blog is None:
        raise ArticleNotFound
    found = Article.objects.select_related(*WITH).filter(blog=blog, slug=slug).first()
    return _seen(viewer, found)


def article_shared(key: str) -> Article:
    """The draft that a link opens to anybody, until its authors take the link back.

    Raises ArticleNotFound.
    """
    found = Article.objects.select_related(*WITH).filter(preview_key=key).first()
    if found is None or not constant_time_compare(found.preview_key or "", key):
        raise ArticleNotFound
    if found.thread.state != State.VISIBLE:
        raise ArticleNotFound
    return found


def may_edit(viewer: Viewer, article: Article) -> bool:
    """Its authors, and who keeps order there."""
    if not viewer.can_write or viewer.scoped_token:
        return False
    return wrote(viewer, article.thread) or is_moderator(viewer, article.thread)


def check_editor(viewer: Viewer, article: Article) -> int:
    """The member who edits an article. Raises NotYourArticle."""
    if viewer.user_id is None or not may_edit(viewer, article):
        raise NotYourArticle
    return viewer.user_id


def _seen(viewer: Viewer, article: Article | None) -> Article:
    if article is None or not (sees(viewer, article.thread) or _is_asked(viewer, article)):
        raise ArticleNotFound
    return article


def _is_asked(viewer: Viewer, article: Article) -> bool:
    """Who is invited to stand beside the authors reads first what she would stand for."""
    if viewer.user_id is None:
        return False
    return Coauthor.objects.filter(article=article, user_id=viewer.user_id).exists()


def _wrote(viewer: Viewer, thread: Thread) -> bool:
    if viewer.user_id is None:
        return False
    rows = Coauthor.objects.filter(article_id=thread.pk, user_id=viewer.user_id)
    return rows.filter(accepted_at__isnull=False).exists()


def _keeps_order(viewer: Viewer, thread: Thread) -> bool:
    """Members in their own blog, and an organisation's administrators in its."""
    if thread.namespace_id is None:
        return False
    return includes(role_in(viewer.user_id, thread.namespace_id), Role.ADMIN)


KEEPING = Keeping(
    wrote=_wrote,
    keeps_order=_keeps_order,
    edit_address=lambda thread: f"{thread.address}/edit",
    tells=True,
)
