"""What a member takes along of her news and of how she wanted to be told."""

from collections.abc import Iterable

from llmos.accounts.models import User
from llmos.accounts.taking import Part
from llmos.community.notifications.models import Notification, Preferences


def export(user: User) -> Iterable[Part]:
    news = Notification.objects.filter(user=user).order_by("pk")
    yield (
        "notifications.json",
        list(news.values("kind", "actor__username", "thread__title", "address", "facts", "at")),
    )
    chosen = Preferences.objects.filter(user=user)
    yield (
        "notification-settings.json",
        list(chosen.values("language", "digest", "digest_hour", "digest_day", "choices")),
    )
