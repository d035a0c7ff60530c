"""Where posts are read: pages of a thread count thirty numbers each."""

POSTS_A_PAGE = 30


def page_of(number: int) -> int:
    return max(0, number - 1) // POSTS_A_PAGE + 1


def page_address(address: str, page: int) -> str:
    return address if page == 1 else f"{address}?page={page}"


def post_address(address: str, number: int) -> str:
    """Of one post of the thread that is read at `address`."""
    return f"{page_address(address, page_of(number))}#post-{number}"
