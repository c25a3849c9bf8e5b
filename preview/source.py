"""Where the bytes of one stored file are: an address that serves ranges, its size and the name the user gave it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Source:
    """A file to read. `url` is `file:///…` or a presigned `http(s)://…` GET link that honours Range; `size` is in
    bytes.
    """

    url: str
    size: int
    file_name: str
