"""What Datashelf knows about its files: the tables, the connection, the schema's version."""

from db.engine import Database, open_database
from db.errors import DatabaseTooNew, DatabaseUnavailable
from db.schema import migrate

__all__ = ["Database", "DatabaseTooNew", "DatabaseUnavailable", "migrate", "open_database"]
