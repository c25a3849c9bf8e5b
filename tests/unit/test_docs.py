"""What README and docs/ say is so: every setting is told with its default, every link leads somewhere."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from settings import SECTIONS, Settings
from tests.setting_names import setting_names

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
IN_WORDS = {"MINIO__BUCKET_DATASETS", "MINIO__BUCKET_MODELS", "MINIO__BUCKET_TEMP"}
IN_WORDS |= {f"BACKUP__{part}" for part in ("ENDPOINT", "SECURE", "REGION", "ACCESS_KEY", "SECRET_KEY")}
IN_WORDS |= {"DATABASE_URL", "PUBLIC_URL", "ALLOWED_HOSTS", "SECRET_KEY", "AUTH__ADMIN_EMAIL", "AUTH__ADMIN_PASSWORD"}
IN_WORDS |= {"AUTH__OIDC_ISSUER", "AUTH__OIDC_CLIENT_ID", "AUTH__OIDC_CLIENT_SECRET", "AUTH__TRUSTED_PROXIES"}
IN_WORDS |= {"AUTH__ADMIN_GROUPS", "AUTH__EDITOR_GROUPS", "AUTH__VIEWER_GROUPS"}
"""Unset by default; the table says in words what that means."""


def told_settings() -> dict[str, str]:
    """Name and default of every line of README's table of settings."""
    table = re.search(r"## Settings\n(.*?)\n## ", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    assert table
    return dict(re.findall(r"^\| `([A-Z_]+)` \| `?(.*?)`? \|", table.group(1), re.MULTILINE))


def test_readme_tells_every_setting_and_no_other() -> None:
    assert set(told_settings()) == setting_names()


def test_readme_tells_the_real_defaults() -> None:
    for name, told in told_settings().items():
        head, _, part = name.lower().partition("__")
        field = (SECTIONS[head.upper()].model_fields if part else Settings.model_fields)[part or head]
        default = field.get_default(call_default_factory=True)
        if name in IN_WORDS:
            assert default in (None, ()), name
            continue
        plain = default.get_secret_value() if hasattr(default, "get_secret_value") else default
        text = ",".join(plain) if isinstance(plain, tuple) else str(plain)
        expected = text.lower() if isinstance(default, bool) else text.removesuffix(".0")
        assert told.removeprefix("./") == expected, name


def links(page: Path) -> Iterator[str]:
    """Every link and picture of a page that stays inside the repository."""
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if not target.startswith(("http://", "https://")):
            yield target


@pytest.mark.parametrize("page", PAGES, ids=[str(page.relative_to(ROOT)) for page in PAGES])
def test_every_link_leads_somewhere(page: Path) -> None:
    for target in links(page):
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        assert file.exists(), target
        if anchor:
            assert anchor in {slug(heading) for heading in headings(file)}, target


def headings(page: Path) -> list[str]:
    return re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)


def slug(heading: str) -> str:
    """The anchor GitHub gives a heading."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def test_every_make_target_that_is_told_exists() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    for page in PAGES:
        told = re.findall(r"(?:^|`)(?:PORT=\d+ )?make ([a-z]+)\b", page.read_text(encoding="utf-8"), re.MULTILINE)
        assert set(told) <= targets, page.name


def test_every_file_the_pages_name_exists() -> None:
    named = re.compile(
        r"`((?:api|catalog|db|deploy|docs|ops|pages|preview|storage|tests)/[\w./-]+|[a-z]+\.(?:py|yaml))`"
    )
    for page in PAGES:
        for path in named.findall(page.read_text(encoding="utf-8")):
            assert (ROOT / path).exists() or (ROOT / "pages" / path).exists(), f"{page.name} names {path}"
