"""Who is asking."""

from __future__ import annotations

import uuid
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Caller:
    """A user on whose behalf the catalogue acts; made by `Access`, handed to every service call."""

    user_id: uuid.UUID
    name: str
