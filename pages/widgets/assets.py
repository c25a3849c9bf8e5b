"""The HTML, CSS and JavaScript of components, beside their Python: a component takes one script and one style sheet, so
what several share is put in front."""

from __future__ import annotations

from pathlib import Path

HERE = Path(__file__).parent


def read(*names: str) -> str:
    """The named files of this folder, one after the other; scripts share one module scope in the browser."""
    return "\n".join((HERE / name).read_text(encoding="utf-8") for name in names)
