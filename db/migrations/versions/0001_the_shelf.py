"""Everything the shelf began with."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

LISTED = sa.text("current_file_id IS NOT NULL")
UNREAD = sa.text("status = 'ready' AND (described_at IS NULL OR scanned_at IS NULL)")


def upgrade() -> None:
    op.create_table(
        "event",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column("dataset_id", sa.Uuid(), nullable=True),
        sa.Column("file_id", sa.Uuid(), nullable=True),
        sa.Column("detail", sa.JSON().with_variant(JSONB(), "postgresql"), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_event"),
    )
    op.create_index("ix_event_at", "event", ["at"])
    op.create_index("ix_event_dataset_id_at", "event", ["dataset_id", "at"])

    op.create_table(
        "user_account",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_user_account"),
        sa.UniqueConstraint("name", name="uq_user_account_name"),
    )
    op.create_table(
        "dataset",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("name_key", sa.Text().with_variant(sa.Text(collation="C"), "postgresql"), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_version", sa.Integer(), nullable=False),
        sa.Column("current_file_id", sa.Uuid(), nullable=True),
        sa.Column("file_name", sa.Text(), nullable=False),
        sa.Column("format", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("rows", sa.BigInteger(), nullable=True),
        sa.Column("columns", sa.Integer(), nullable=True),
        sa.Column("search_text", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["owner_id"], ["user_account.id"], name="fk_dataset_owner_id"),
        sa.PrimaryKeyConstraint("id", name="pk_dataset"),
        sa.UniqueConstraint("owner_id", "name", name="uq_dataset_owner_id_name"),
    )
    op.create_index(
        "ix_dataset_by_format",
        "dataset",
        ["owner_id", "format", "updated_at", "id"],
        sqlite_where=LISTED,
        postgresql_where=LISTED,
    )
    op.create_index(
        "ix_dataset_by_name", "dataset", ["owner_id", "name_key", "id"], sqlite_where=LISTED, postgresql_where=LISTED
    )
    op.create_index(
        "ix_dataset_by_size", "dataset", ["owner_id", "size", "id"], sqlite_where=LISTED, postgresql_where=LISTED
    )
    op.create_index(
        "ix_dataset_by_updated",
        "dataset",
        ["owner_id", "updated_at", "id"],
        sqlite_where=LISTED,
        postgresql_where=LISTED,
    )

    op.create_table(
        "shelf_count",
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("datasets", sa.Integer(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["owner_id"], ["user_account.id"], name="fk_shelf_count_owner_id"),
        sa.PrimaryKeyConstraint("owner_id", name="pk_shelf_count"),
    )
    op.create_table(
        "dataset_tag",
        sa.Column("dataset_id", sa.Uuid(), nullable=False),
        sa.Column("tag_key", sa.Text().with_variant(sa.Text(collation="C"), "postgresql"), nullable=False),
        sa.Column("tag", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("listed", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["dataset_id"], ["dataset.id"], name="fk_dataset_tag_dataset_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("dataset_id", "tag_key", name="pk_dataset_tag"),
    )
    op.create_index("ix_dataset_tag_count", "dataset_tag", ["owner_id", "listed", "tag_key", "tag"])
    op.create_index("ix_dataset_tag_tag_key_dataset_id", "dataset_tag", ["tag_key", "dataset_id"])

    op.create_table(
        "file",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("dataset_id", sa.Uuid(), nullable=True),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("file_name", sa.Text(), nullable=False),
        sa.Column("format", sa.Text(), nullable=False),
        sa.Column("media_type", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("etag", sa.Text(), nullable=True),
        sa.Column("sha256", sa.Text(), nullable=True),
        sa.Column("sha256_verified", sa.Boolean(), nullable=False),
        sa.Column("backend", sa.Text(), nullable=False),
        sa.Column("bucket", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("rows", sa.BigInteger(), nullable=True),
        sa.Column("columns", sa.Integer(), nullable=True),
        sa.Column("downloads", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("described_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("scanned_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("read_attempts", sa.Integer(), nullable=False),
        sa.CheckConstraint("size >= 0", name="ck_file_size_not_negative"),
        sa.ForeignKeyConstraint(["dataset_id"], ["dataset.id"], name="fk_file_dataset_id", ondelete="SET NULL"),
        sa.ForeignKeyConstraint(["owner_id"], ["user_account.id"], name="fk_file_owner_id"),
        sa.PrimaryKeyConstraint("id", name="pk_file"),
        sa.UniqueConstraint("backend", "bucket", "key", name="uq_file_backend_bucket_key"),
        sa.UniqueConstraint("dataset_id", "version", name="uq_file_dataset_id_version"),
    )
    op.create_index("ix_file_by_status", "file", ["status", "created_at"])
    op.create_index("ix_file_unread", "file", ["created_at"], sqlite_where=UNREAD, postgresql_where=UNREAD)
    op.create_index("ix_file_use", "file", ["owner_id", "status", "backend", "bucket", "role", "size"])

    op.create_table(
        "file_column",
        sa.Column("file_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["file_id"], ["file.id"], name="fk_file_column_file_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("file_id", "position", name="pk_file_column"),
    )
    op.create_table(
        "upload",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("file_id", sa.Uuid(), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("store_upload_id", sa.Text(), nullable=True),
        sa.Column("part_size", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("touched_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("completed_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["file_id"], ["file.id"], name="fk_upload_file_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["owner_id"], ["user_account.id"], name="fk_upload_owner_id"),
        sa.PrimaryKeyConstraint("id", name="pk_upload"),
        sa.UniqueConstraint("file_id", name="uq_upload_file_id"),
    )
    op.create_index("ix_upload_completed_at_touched_at", "upload", ["completed_at", "touched_at"])
    op.create_index("ix_upload_open", "upload", ["owner_id", "completed_at", "created_at"])


def downgrade() -> None:
    op.drop_table("upload")
    op.drop_table("file_column")
    op.drop_table("file")
    op.drop_table("dataset_tag")
    op.drop_table("shelf_count")
    op.drop_table("dataset")
    op.drop_table("user_account")
    op.drop_table("event")
