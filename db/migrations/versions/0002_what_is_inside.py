"""What is inside a file: its statistics, where its rows begin, how it is read, and columns found by their names."""

from __future__ import annotations

import unicodedata

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

LISTED = sa.text("current_file_id IS NOT NULL")
LONGEST_KEY = 200
"""Characters, as `catalog.names.sort_key` cuts: an index holds no value without end."""
LONG_TEXT = 4_000_000
"""Bytes from which a text file is worth an index of its rows."""


def upgrade() -> None:
    op.add_column("dataset", sa.Column("read_as", sa.JSON(), nullable=True))
    op.create_index(
        "ix_dataset_by_file_name",
        "dataset",
        ["owner_id", "file_name"],
        sqlite_where=LISTED,
        postgresql_where=LISTED,
    )

    op.create_table(
        "file_profile",
        sa.Column("file_id", sa.Uuid(), nullable=False),
        sa.Column("read_key", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("progress", sa.Float(), nullable=True),
        sa.Column("content", sa.JSON(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("claim", sa.Uuid(), nullable=True),
        sa.Column("beat_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("wanted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("computed_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["file_id"], ["file.id"], name="fk_file_profile_file_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("file_id", "read_key", name="pk_file_profile"),
    )
    op.create_index("ix_file_profile_status_wanted_at", "file_profile", ["status", "wanted_at"])

    op.create_table(
        "row_index",
        sa.Column("file_id", sa.Uuid(), nullable=False),
        sa.Column("read_key", sa.Text(), nullable=False),
        sa.Column("step", sa.BigInteger(), nullable=False),
        sa.Column("offsets", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["file_id"], ["file.id"], name="fk_row_index_file_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("file_id", "read_key", name="pk_row_index"),
    )

    op.add_column("file_column", sa.Column("name_key", sa.Text(), nullable=True))
    _fold_names(op.get_bind())
    with op.batch_alter_table("file_column") as table:
        table.alter_column("name_key", existing_type=sa.Text(), nullable=False)
    op.create_index("ix_file_column_alike", "file_column", ["name_key", "type", "file_id"])

    _scan_again(op.get_bind())


def downgrade() -> None:
    op.drop_index("ix_file_column_alike", "file_column")
    with op.batch_alter_table("file_column") as table:
        table.drop_column("name_key")
    op.drop_table("row_index")
    op.drop_table("file_profile")
    op.drop_index("ix_dataset_by_file_name", "dataset")
    with op.batch_alter_table("dataset") as table:
        table.drop_column("read_as")


def _fold_names(connection: sa.Connection) -> None:
    # A copy of what `catalog.names.fold` was then: a migration means the same for ever.
    def fold(text: str) -> str:
        return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())[:LONGEST_KEY]

    columns = sa.table("file_column", sa.column("name"), sa.column("name_key"))
    connection.execute(sa.update(columns).values(name_key=columns.c.name))
    changed = [
        {"old": name, "new": fold(name)}
        for (name,) in connection.execute(sa.select(columns.c.name).distinct())
        if fold(name) != name
    ]
    if changed:
        # The lookup by name is worth an index even for this once: there may be millions of columns.
        op.create_index("ix_file_column_for_now", "file_column", ["name"], postgresql_using="hash")
        one = sa.update(columns).where(columns.c.name == sa.bindparam("old")).values(name_key=sa.bindparam("new"))
        connection.execute(one, changed)
        op.drop_index("ix_file_column_for_now", "file_column")


def _scan_again(connection: sa.Connection) -> None:
    # Long texts that were read to the end before their rows could be indexed. Compressed ones never are.
    file = sa.table("file", *map(sa.column, ("status", "format", "size", "file_name", "scanned_at", "read_attempts")))
    endings = ("gz", "gzip", "bz2", "bz", "xz", "lzma", "zst", "zstd", "zip")
    wrapped = [sa.func.lower(file.c.file_name).like(f"%.{ending}") for ending in endings]
    long = sa.update(file).where(
        file.c.status == "ready", file.c.format.in_(("csv", "tsv", "jsonl")), file.c.size >= LONG_TEXT
    )
    connection.execute(long.where(~sa.or_(*wrapped)).values(scanned_at=None, read_attempts=0))
