"""How members and organisations may be called.

A name is the first segment of an address and of a repository id, a folder name in clients'
caches, and what people read to know whom they trust: so ASCII only, nothing that clients
refuse, and nothing that the site needs for itself.
"""

import re
import unicodedata

from django.utils.translation import gettext as _

from llmos.accounts.errors import NameRefused

LONGEST = 96  # the clients' own limit for repository ids

_PUBLIC = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])")
_ANY = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9._-]*[A-Za-z0-9_])?")

# First path segments of this site, now and as designed: a member by such a name would have
# no page, or could pose as one of ours. Nobody may take them.
ROUTES = frozenset(
    """
    api datasets spaces kernels models buckets static media accounts settings new login logout
    signup join docs guides cas xet lfs git admin oauth search device organizations orgs users
    resolve raw blob tree health healthz metrics favicon.ico robots.txt sitemap.xml manifest.json
    sw.js service-worker.js well-known .well-known nodeinfo inbox outbox webfinger v1 v2
    jobs runs recipes train training activities results evaluate evaluation evaluations
    benchmarks leaderboards leaderboard arena
    serving playground playgrounds inference endpoints chat papers tasks methods tags collections
    community forum topics blog posts articles feed social notifications activity reactions
    governance proposals ballots votes moderation reports log provenance receipts lineage
    preferences styleguide new-model new-dataset new-space new-kernel
    language i18n about terms privacy contact legal cookies likes followers following
    follow contributions series t notes threads attachments mentions drafts preview watch
    bookmarks unsubscribe mail
    tour start examples first-tasks forum.atom forum.json blog.atom blog.json feed.atom feed.json
    errors assets avatars uploads downloads telemetry webhooks storage s3 proxy internal
    """.split()
)

# Free of routes, but strangers would take their holder for the house itself.
COURTESY = frozenset(
    """
    llmos official support help root system administrator administrators sysadmin security abuse
    postmaster webmaster hostmaster moderator moderators staff team everyone anonymous nobody
    null none undefined unknown deleted ghost me self you user member
    """.split()
)


def key_of(name: str) -> str:
    """The form in which two names are compared."""
    return name.casefold()


def check_name(name: str, *, any_name: bool = False) -> str:
    """The name itself, if a member or an organisation may bear it. Raises NameRefused.

    `any_name` is for administrators: leading underscores, single letters and courtesy names
    pass, as importing another hub's accounts needs; what clients or routes cannot bear does not.
    """
    _check_letters(name)
    if len(name) > LONGEST:
        raise NameRefused(_("A name has at most %(limit)d characters") % {"limit": LONGEST})
    if not (_ANY if any_name else _PUBLIC).fullmatch(name):
        raise NameRefused(
            _(
                "A name has at least two characters: letters, digits, '-', '_' and '.'; "
                "it starts and ends with a letter or a digit"
            )
        )
    if "--" in name or ".." in name:
        raise NameRefused(_("A name must not contain '--' or '..'"))
    key = key_of(name)
    if key.endswith((".git", ".ipynb")):
        raise NameRefused(_("A name must not end in '.git' or '.ipynb'"))
    if key in ROUTES or (key in COURTESY and not any_name):
        raise NameRefused(_("The name %(name)s is kept for the site") % {"name": name})
    return name


def _check_letters(name: str) -> None:
    if name.isascii():
        return
    plain = unicodedata.normalize("NFKC", name)
    if plain.isascii():
        raise NameRefused(
            _("The name only looks like %(plain)s: write it with plain letters") % {"plain": plain}
        )
    raise NameRefused(_("A name is written with the letters a-z, digits, '-', '_' and '.'"))
