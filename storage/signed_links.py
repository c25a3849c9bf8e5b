"""Links to the app's own routes that need no sign-in: HMAC-signed, expiring, of the shape of S3's presigned URLs.

A signature covers the route, method, bucket, key, expiry and every parameter, so a link is good for exactly one act.
The route (`objects` for local disk, `relay` for a store behind the app) hands what came in to `verify_link` and acts on
the `Grant` it gets back.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import math
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl, quote, urlencode

from storage.keys import check_expiry, check_key
from storage.protocol import InvalidKey, StorageError

LINK_PATH = "/api/ml/v1/objects"
RELAY_PATH = "/api/ml/v1/relay"
_PARAMETERS = {"filename", "inline", "uploadId", "partNumber", "size", "expires", "signature"}


class LinkInvalid(StorageError, PermissionError):
    """The link was changed, is incomplete, or was signed for something else."""


class LinkExpired(StorageError, PermissionError):
    """The link was good until it expired."""


@dataclass(frozen=True, slots=True)
class Grant:
    """What one signed link allows. `upload_id` and `part_number` are both set or both None; `size` is how many bytes of
    body it takes at most, None for as many as the store does."""

    method: str
    bucket: str
    key: str
    expires_at: datetime
    filename: str | None = None
    inline: bool = False
    upload_id: str | None = None
    part_number: int | None = None
    size: int | None = None


def sign_link(
    method: str,
    *,
    bucket: str,
    key: str,
    expires_in: timedelta,
    secret: bytes,
    base: str,
    filename: str | None = None,
    inline: bool = False,
    upload_id: str | None = None,
    part_number: int | None = None,
    size: int | None = None,
    path: str = LINK_PATH,
) -> str:
    """An absolute link under `base`, to the route at `path`.

    Raises InvalidKey, ValueError for an expiry outside 1 second to 7 days.
    """
    check_key(key)
    check_expiry(expires_in)
    fields = {
        "filename": filename,
        "inline": "1" if inline else None,
        "uploadId": upload_id,
        "partNumber": None if part_number is None else str(part_number),
        "size": None if size is None else str(size),
        "expires": f"{time.time() + expires_in.total_seconds():.3f}",
    }
    given = {name: value for name, value in fields.items() if value is not None}
    given["signature"] = _signature(method, bucket, key, given, secret, path)
    return f"{base}{path}/{quote(bucket)}/{quote(key)}?{urlencode(given, quote_via=quote, errors='replace')}"


def verify_link(method: str, *, bucket: str, key: str, query: str, secret: bytes, path: str = LINK_PATH) -> Grant:
    """What the link allows; `bucket` and `key` as decoded from the path, `query` raw, `method` as the request came.

    Raises LinkInvalid, LinkExpired. A HEAD with a GET's signature is invalid, as it is on S3.
    """
    try:
        check_key(key)
        pairs = parse_qsl(query, keep_blank_values=True, strict_parsing=True, errors="strict", max_num_fields=8)
    except (InvalidKey, ValueError):
        raise LinkInvalid("the link is not one of ours") from None
    given = dict(pairs)
    signature = given.pop("signature", "")
    if len(pairs) != len(given) + 1 or given.keys() - _PARAMETERS or "expires" not in given:
        raise LinkInvalid("the link is incomplete or has something added")
    expected = _signature(method, bucket, key, given, secret, path)
    if not hmac.compare_digest(signature.encode(), expected.encode()):
        raise LinkInvalid("the link's signature does not fit")
    # Whatever follows was signed by us, so it parses.
    expires = float(given["expires"])
    if time.time() >= expires:
        raise LinkExpired("the link has expired")
    number, size = given.get("partNumber"), given.get("size")
    return Grant(
        method,
        bucket,
        key,
        datetime.fromtimestamp(math.floor(expires), UTC),
        filename=given.get("filename"),
        inline=given.get("inline") == "1",
        upload_id=given.get("uploadId"),
        part_number=None if number is None else int(number),
        size=None if size is None else int(size),
    )


def _signature(method: str, bucket: str, key: str, fields: dict[str, str], secret: bytes, path: str) -> str:
    # JSON keeps the borders between fields, so no two links share one text to sign.
    kind = "datashelf-link-1" if path == LINK_PATH else f"datashelf-link-1 {path}"
    text = json.dumps([kind, method, bucket, key, sorted(fields.items())])
    return hmac.new(secret, text.encode(), hashlib.sha256).hexdigest()
