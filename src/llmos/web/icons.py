"""The house's own small pictures: strokes on a 24 by 24 grid, drawn inline, coloured by the text."""

from functools import cache

from markupsafe import Markup

_SHAPES = {
    "search": '<circle cx="11" cy="11" r="6.5"/><path d="m16 16 4.5 4.5"/>',
    "copy": '<rect x="8.5" y="8.5" width="11" height="11" rx="2"/>'
    '<path d="M15.5 8.5v-2a2 2 0 0 0-2-2h-7a2 2 0 0 0-2 2v7a2 2 0 0 0 2 2h2"/>',
    "check": '<path d="m5 12.5 4.5 4.5L19 7.5"/>',
    "cross": '<path d="m6 6 12 12M18 6 6 18"/>',
    "plus": '<path d="M12 5v14M5 12h14"/>',
    "heart": '<path d="M12 19.5S4 14.8 4 9.3A4.3 4.3 0 0 1 12 7a4.3 4.3 0 0 1 8 2.3c0 5.5-8 10.2-8 10.2Z"/>',
    "download": '<path d="M12 4v11m-4.5-4 4.5 4.5L16.5 11M5 19.5h14"/>',
    "upload": '<path d="M12 15.5V4.5M7.5 9 12 4.5 16.5 9M5 19.5h14"/>',
    "file": '<path d="M6 3.5h7.5L18 8v12.5H6zM13.5 3.5V8H18"/>',
    "folder": '<path d="M3.5 18.5V6h6l2 2.5h9v10z"/>',
    "link": '<path d="M10 14a4 4 0 0 0 5.7 0l3-3a4 4 0 0 0-5.7-5.7l-1 1M14 10a4 4 0 0 0-5.7 0l-3 3'
    'a4 4 0 0 0 5.7 5.7l1-1"/>',
    "branch": '<circle cx="7" cy="5.5" r="2"/><circle cx="7" cy="18.5" r="2"/>'
    '<circle cx="17" cy="8" r="2"/><path d="M7 7.5v9M17 10c0 4-6 3-9.5 6.5"/>',
    "tag": '<path d="M4 4h7l9 9-7 7-9-9z"/><circle cx="8.2" cy="8.2" r="1"/>',
    "commit": '<circle cx="12" cy="12" r="3.5"/><path d="M3 12h5.5m7 0H21"/>',
    "change": '<circle cx="6" cy="6" r="2"/><circle cx="6" cy="18" r="2"/><circle cx="18" cy="18" r="2"/>'
    '<path d="M6 8v8M18 16v-6a3 3 0 0 0-3-3h-3m2.5-3L11.5 7l3 3"/>',
    "merged": '<circle cx="6" cy="6" r="2"/><circle cx="6" cy="18" r="2"/><circle cx="18" cy="13" r="2"/>'
    '<path d="M6 8v8M6 8c0 3 4 5 10 5"/>',
    "lock": '<rect x="5.5" y="10.5" width="13" height="9.5" rx="2"/><path d="M8.5 10.5V8a3.5 3.5 0 0 1 7 0v2.5"/>',
    "gate": '<path d="M4 20V8m16 12V8M4 12h16M4 17h16M8 8v12m4-12v12m4-12v12"/>',
    "model": '<path d="m12 3.5 8 4.5v8l-8 4.5L4 16V8zM4 8l8 4.5L20 8m-8 4.5v8"/>',
    "dataset": '<ellipse cx="12" cy="6" rx="7.5" ry="2.7"/><path d="M4.5 6v12c0 1.5 3.3 2.7 7.5 2.7s'
    '7.5-1.2 7.5-2.7V6m-15 6c0 1.5 3.3 2.7 7.5 2.7s7.5-1.2 7.5-2.7"/>',
    "space": '<rect x="3.5" y="4.5" width="17" height="15" rx="2"/><path d="M3.5 9h17M7 6.8h.01M9.5 6.8h.01"/>',
    "kernel": '<rect x="6.5" y="6.5" width="11" height="11" rx="1.5"/><path d="M10 6.5v-3m4 3v-3m-4 17v-3m4 3v-3'
    'M6.5 10h-3m3 4h-3m17-4h-3m3 4h-3"/>',
    "person": '<circle cx="12" cy="8" r="3.7"/><path d="M4.5 20c.8-4 3.8-6 7.5-6s6.7 2 7.5 6"/>',
    "people": '<circle cx="9" cy="8.5" r="3.2"/><path d="M3 19.5c.6-3.5 3-5.2 6-5.2s5.4 1.7 6 5.2M15.5 5.5'
    'a3.2 3.2 0 0 1 0 6M17 14.6c2.2.6 3.6 2.2 4 4.9"/>',
    "clock": '<circle cx="12" cy="12" r="8"/><path d="M12 7.5V12l3 2"/>',
    "settings": '<path d="M4 8h8m4 0h4M4 16h3m4 0h9"/><circle cx="14" cy="8" r="2"/>'
    '<circle cx="9" cy="16" r="2"/>',
    "menu": '<path d="M4 7h16M4 12h16M4 17h16"/>',
    "more": '<path d="M6 12h.01M12 12h.01M18 12h.01" stroke-width="2.6"/>',
    "down": '<path d="m6.5 9.5 5.5 5 5.5-5"/>',
    "right": '<path d="m9.5 6.5 5 5.5-5 5.5"/>',
    "back": '<path d="M19 12H5.5m5-5.5-5.5 5.5 5.5 5.5"/>',
    "warning": '<path d="M12 4.5 21 19.5H3zM12 10v4.5m0 2.5v.01"/>',
    "info": '<circle cx="12" cy="12" r="8.5"/><path d="M12 11v5.5m0-9v.01"/>',
    "shield": '<path d="M12 3.5 19 6v5.5c0 4.5-3 7.5-7 9-4-1.5-7-4.5-7-9V6z"/>',
    "edit": '<path d="M5 19h3.5L19 8.5 15.5 5 5 15.5zM13 7.5l3.5 3.5"/>',
    "trash": '<path d="M5 7h14M10 7V4.5h4V7m-7.5 0 1 13h9l1-13M10.5 11v5.5m3-5.5v5.5"/>',
    "image": '<rect x="4" y="5" width="16" height="14" rx="1.5"/><circle cx="9" cy="10" r="1.5"/>'
    '<path d="m5 18 5-4.5 3 2.5 3-3 4 3.5"/>',
    "sun": '<circle cx="12" cy="12" r="4"/><path d="M12 3v2m0 14v2m9-9h-2M5 12H3m15.4-6.4L17 7M7 17l-1.4 1.4'
    'm12.8 0L17 17M7 7 5.6 5.6"/>',
    "moon": '<path d="M19.5 14.5A8 8 0 0 1 9.5 4.5a8 8 0 1 0 10 10Z"/>',
    "half": '<circle cx="12" cy="12" r="8"/><path d="M12 4a8 8 0 0 1 0 16z" fill="currentColor"/>',
    "book": '<path d="M12 6.5C10 5 7 4.5 4 5v13c3-.5 6 0 8 1.5 2-1.5 5-2 8-1.5V5c-3-.5-6 0-8 1.5zm0 0v13"/>',
    "key": '<circle cx="8" cy="15" r="4"/><path d="m11 12 8.5-8.5M16 7l3 3"/>',
    "out": '<path d="M14 4.5H5.5v15H14M10 12h10.5m-4-4 4 4-4 4"/>',
}
_CLASSES = {"heart-full": ("heart", "icon icon-fill")}


@cache
def icon(name: str, label: str = "") -> Markup:
    """An inline SVG; decoration unless it has a label. Raises KeyError for unknown names."""
    shape, css = _CLASSES.get(name, (name, "icon"))
    meaning = (
        Markup(' role="img" aria-label="{}"').format(label) if label else ' aria-hidden="true"'
    )
    return Markup(
        f'<svg class="{css}" viewBox="0 0 24 24"{meaning}>{_SHAPES[shape]}</svg>'  # noqa: S704 - our own shapes
    )


def icon_names() -> list[str]:
    return [*_SHAPES, *_CLASSES]
