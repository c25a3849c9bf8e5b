"""The Content-Disposition header that names a download (RFC 6266, RFC 8187), safe for any user's file name."""

from __future__ import annotations

import re
import unicodedata
from urllib.parse import quote

_ATTR_CHAR = "!#$&+-.^_`|~"
"""What RFC 8187 lets stand unescaped in `filename*` besides letters and digits."""
_UNSAFE = re.compile("[\\x00-\\x1f\\x7f-\\x9f\u202a-\u202e\u2066-\u2069]")
"""Control characters, and the direction overrides that can make `….exe` read as `….csv`."""


def content_disposition(filename: str, *, inline: bool = False) -> str:
    """`attachment; filename="…"; filename*=UTF-8''…`: plain ASCII whatever the name holds.

    `inline` lets the browser show the file instead of saving it. Slashes and control characters never come through.
    """
    name = _UNSAFE.sub("", filename).replace("/", "_").replace("\\", "_").strip() or "download"
    encoded = quote(name.encode("utf-8", errors="replace"), safe=_ATTR_CHAR)
    return f"{'inline' if inline else 'attachment'}; filename=\"{_ascii(name)}\"; filename*=UTF-8''{encoded}"


def _ascii(name: str) -> str:
    # Quotes and percent signs are replaced, not escaped: browsers disagree on both (RFC 6266, appendix D).
    base = "".join(char for char in unicodedata.normalize("NFKD", name) if not unicodedata.combining(char))
    return re.sub(r"[^\x20-\x7e]+", "_", base).translate(str.maketrans('"%\\/', "____"))
