"""Members as commands name them."""

from typing import TYPE_CHECKING

from llmos.cli.running import local_url, running_at
from llmos.kit.config import current
from llmos.kit.errors import NotFound
from llmos.kit.home import Home
from llmos.store.config import ServerSettings

if TYPE_CHECKING:
    from llmos.accounts.models import User


def member_named(name: str) -> "User":
    """Raises NotFound."""
    from llmos.accounts.queries import user_named

    user = user_named(name)
    if user is None:
        raise NotFound(f"There is no member {name}; `llmos users create {name}` makes one.")
    return user


def hub_address(home: Home) -> str:
    """Where members reach the hub: the public address, the running hub's, or the configured."""
    server = current(ServerSettings)
    running = running_at(home)
    public: str = server.public_url.rstrip("/")
    if public:
        return public
    return running.url if running else local_url(server.host, server.port)


def sign_in_address(home: Home, user: "User") -> str:
    """A link that signs the member in once."""
    from llmos.accounts.links import sign_in_link

    return sign_in_link(user, base_url=hub_address(home))
