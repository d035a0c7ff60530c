"""Search for machines: the same words and filters, as JSON."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from llmos.accounts.access import viewer_of
from llmos.community.finding.queries import conversations, people, repositories
from llmos.community.finding.wishes import wish_from
from llmos.kit.time import iso
from llmos.store.http import blocking, reply


@blocking
def search(request: Request, body: bytes) -> Response:
    """`?q=attention author:ada solved:yes`, or the filters as parameters of their own."""
    viewer, wish = viewer_of(request), wish_from(dict(request.query_params))
    found = [] if wish.is_empty else conversations(viewer, wish)
    return reply(
        {
            "people": [{"name": one.name, "type": one.kind} for one in people(wish)],
            "repositories": [
                {"id": one.full_name, "type": one.type, "lastModified": iso(one.updated_at)}
                for one in repositories(viewer, wish)
            ],
            "conversations": [
                {
                    "type": one.thread.place,
                    "title": one.thread.title,
                    "address": f"{one.thread.address}#{one.post.anchor}",
                    "author": one.post.author.username if one.post.author else None,
                    "excerpt": one.excerpt.striptags(),
                    "createdAt": iso(one.post.created_at),
                }
                for one in found
            ],
        }
    )


routes = [Route("/api/search", search)]
