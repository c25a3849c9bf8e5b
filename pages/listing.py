"""What the address of the Datasets screen says: the search, the filters, the order and the page.

Everything a person would bookmark is in the address, under the keys of the widgets bound to it.
"""

from __future__ import annotations

from dataclasses import dataclass

from catalog.listing import DatasetQuery

PAGE_SIZE = 24
SORTS = {
    "Newest first": "-updated_at",
    "Oldest first": "updated_at",
    "Name A–Z": "name",
    "Name Z–A": "-name",
    "Largest first": "-size",
    "Smallest first": "size",
}
FORMATS = {
    "CSV": ("csv", "tsv"),
    "Parquet": ("parquet",),
    "JSON": ("json", "jsonl"),
    "Excel": ("xlsx", "xls", "ods"),
}
"""What one pill finds: a kind of file as people name it."""
MINE = "Mine"
"""The owner of the filter that is whoever looks: in an address it means everybody their own."""


@dataclass(frozen=True, slots=True)
class Listing:
    """One view of the list: what is asked for."""

    search: str = ""
    format: str | None = None
    tags: tuple[str, ...] = ()
    sort: str = "Newest first"
    page: int = 1
    owner: str | None = None
    """MINE, or somebody's name; None: whoever's."""

    def query(self, me: str) -> DatasetQuery:
        """What it asks of the catalogue for the user of that name."""
        return DatasetQuery(
            q=self.search.strip(),
            tags=self.tags,
            owner=me if self.owner == MINE else self.owner,
            formats=FORMATS.get(self.format or "", ()),
            sort=SORTS.get(self.sort, "-updated_at"),
            limit=PAGE_SIZE,
            page=self.page,
        )

    def range(self, shown: int, total: int) -> str:
        """Which datasets of how many: `25–48 of 61`."""
        first = (self.page - 1) * PAGE_SIZE + 1
        return f"{first:,}–{first + shown - 1:,} of {total:,}"

    def address(self) -> dict[str, str | list[str]]:
        """What to come back with: the parts that differ from the plain list."""
        parts: dict[str, str | list[str]] = {
            "q": self.search,
            "format": self.format or "",
            "tag": list(self.tags),
            "owner": self.owner or "",
            "sort": "" if self.sort == next(iter(SORTS)) else self.sort,
            "page": "" if self.page == 1 else str(self.page),
        }
        return {key: value for key, value in parts.items() if value}

    def wanted(self) -> str:
        """What was asked for, for the sentence that says nothing was found: `“turbine” in CSV, tagged geo`."""
        words = f"“{self.search.strip()}”" if self.search.strip() else "these filters"
        if self.format:
            words += f" in {self.format}"
        if self.tags:
            words += ", tagged " + ", ".join(self.tags)
        if self.owner:
            words += ", of your own" if self.owner == MINE else f", owned by {self.owner}"
        return words


def pages(total: int) -> int:
    """How many pages hold `total` datasets; an empty list has one."""
    return max(1, -(-total // PAGE_SIZE))


def page_number(raw: object) -> int:
    """The page an address or a widget names; anything else is the first."""
    text = str(raw)
    return int(text) if text.isascii() and text.isdigit() and 0 < int(text[:10]) < 2**31 else 1
