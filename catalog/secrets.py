"""Secrets that people carry: made here, kept as their SHA-256, so that whoever reads the database can use none."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import uuid

BYTES = 32


def new_secret(prefix: str = "") -> str:
    """A new one, of 256 random bits in URL-safe characters."""
    return prefix + secrets.token_urlsafe(BYTES)


def digest(secret: str) -> str:
    """What is kept of a secret. It has too many bits to be guessed, so that a fast hash will do (unlike a password)."""
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()


def derived(key: bytes, purpose: str, id_: uuid.UUID) -> str:
    """A secret of 144 bits that is made again from the key and an id, for one that its owner wants to see again."""
    made = hmac.new(key, f"{purpose}:{id_}".encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(made[:18]).decode()


def is_derived(secret: str, key: bytes, purpose: str, id_: uuid.UUID) -> bool:
    """Whether the secret is the one made from this key: with another key, one that was given out before is none."""
    return hmac.compare_digest(derived(key, purpose, id_).encode(), secret.encode("utf-8", "replace"))
