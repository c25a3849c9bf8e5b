"""Every name a user can set, as it is written in the environment: read from the settings tree itself."""

from __future__ import annotations

from settings import SECTIONS, Settings


def setting_names() -> set[str]:
    names = set()
    for field in Settings.model_fields:
        section = SECTIONS.get(field.upper())
        names |= {f"{field}__{part}".upper() for part in section.model_fields} if section else {field.upper()}
    return names
