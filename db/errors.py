"""What can go wrong with the database as such."""

from __future__ import annotations


class DatabaseUnavailable(ConnectionError):
    """The database does not answer, or is locked or full. Nothing was changed; trying again later may help."""


class DatabaseTooNew(RuntimeError):
    """The database was migrated by a newer Datashelf than this one."""
