"""The shell of our pages (head, header, footer, fields) for django-allauth's templates.

They are Django templates, ours are Jinja2; these tags draw our parts, so there is one of each.
"""

from typing import Any

from django import template
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

from llmos.accounts.adapter import AccountAdapter
from llmos.web.jinja import page_context
from llmos.web.static import static_url

register = template.Library()

Context = dict[str, Any]


@register.simple_tag(takes_context=True)
def shell_values(context: Context) -> Context:
    """What every page knows: `{% shell_values as shell %}{{ shell.site }}`."""
    return page_context(context["request"])


@register.simple_tag(takes_context=True)
def shell_head(context: Context) -> SafeString:
    return _part(context["request"], "parts/head.html")


@register.simple_tag(takes_context=True)
def shell_header(context: Context) -> SafeString:
    return _part(context["request"], "parts/header.html")


@register.simple_tag(takes_context=True)
def shell_messages(context: Context) -> SafeString:
    return _part(context["request"], "parts/messages.html")


@register.simple_tag(takes_context=True)
def shell_footer(context: Context) -> SafeString:
    return _part(context["request"], "parts/footer.html")


@register.simple_tag(takes_context=True)
def shell_tabs(context: Context) -> SafeString:
    """The tabs of a member's settings, where django-allauth's own pages hang under one."""
    return _part(context["request"], "accounts/tabs.html", active="account")


@register.simple_tag(takes_context=True)
def shell_fields(context: Context, form: Any) -> SafeString:
    return _part(context["request"], "accounts/fields.html", form=form)


@register.simple_tag
def shell_scripts(*paths: str) -> SafeString:
    """Modules of ours that a page needs, in this order."""
    line = '<script type="module" src="{}"></script>'
    return format_html_join("\n", line, ((static_url(path),) for path in paths))


@register.simple_tag
def shell_style(path: str) -> SafeString:
    return format_html('<link rel="stylesheet" href="{}">', static_url(path))


@register.simple_tag(takes_context=True)
def sign_up_is_open(context: Context) -> bool:
    request = context["request"]
    return AccountAdapter(request).is_open_for_signup(request)


def _part(request: HttpRequest, name: str, **context: Any) -> SafeString:
    drawn = render_to_string(name, context, request=request, using="pages")
    return mark_safe(drawn)  # noqa: S308  # Jinja2 escaped what our parts were given
