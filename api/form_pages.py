"""The pages that stand before the screens, made of plain HTML: their forms set a cookie that no script can read
(docs/decisions/0017-the-doors-are-plain-forms.md)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import HTMLResponse

TEMPLATES = Path(__file__).parent / "templates"
STYLE = TEMPLATES / "form_page.css"
_pages = Environment(
    loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
)
PRIVATE = {"Cache-Control": "no-store", "Referrer-Policy": "same-origin"}
"""Nobody keeps the page; and its address, which may hold a secret that works once, is told to nobody else. (With
`no-referrer` a browser would send its form with `Origin: null`, as a foreign page does: Fetch, "serializing a request
origin".)"""


def form_page(
    template: str, *, status: int = 200, headers: Mapping[str, str] | None = None, **values: object
) -> HTMLResponse:
    """A page of `api/templates`. Everything in `values` is escaped."""
    html = _pages.get_template(template).render(**values)
    return HTMLResponse(html, status, headers={**PRIVATE, **(headers or {})})


def message_page(
    title: str, sentence: str, *, status: int = 200, href: str = "/sign-in", link: str = "Sign in"
) -> HTMLResponse:
    """A page that says one thing, and leads on."""
    return form_page("message.html", status=status, title=title, sentence=sentence, href=href, link=link)
