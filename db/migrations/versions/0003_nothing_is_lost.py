"""Nothing is lost: parts' checksums, what is in the trash, old copies of moved files, leases and reports."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

TRASHED = sa.text("trashed_at IS NOT NULL")
READY = sa.text("status = 'ready'")
MOMENT = sa.DateTime(timezone=True)

DATASET = (("trashed_at", MOMENT), ("trashed_name", sa.Text()))
FILE = (
    ("verified_at", MOMENT),
    ("failure", sa.Text()),
    ("head_sha256", sa.Text()),
    ("tail_sha256", sa.Text()),
    ("trashed_at", MOMENT),
    ("downloaded_at", MOMENT),
)


def upgrade() -> None:
    for table, columns in (("dataset", DATASET), ("file", FILE)):
        for name, kind in columns:
            op.add_column(table, sa.Column(name, kind, nullable=True))
    op.add_column("upload", sa.Column("modified_at", MOMENT, nullable=True))
    op.add_column("upload", sa.Column("folder", sa.Text(), nullable=True))
    op.execute("UPDATE upload SET folder = ''")
    with op.batch_alter_table("upload") as upload:
        upload.alter_column("folder", existing_type=sa.Text(), nullable=False)
    # What was read to its end and agreed with its checksum was right then.
    op.execute("UPDATE file SET verified_at = scanned_at WHERE sha256_verified AND status = 'ready'")

    op.create_index("ix_dataset_trashed", "dataset", ["trashed_at"], sqlite_where=TRASHED, postgresql_where=TRASHED)
    op.create_index("ix_file_trashed", "file", ["trashed_at"], sqlite_where=TRASHED, postgresql_where=TRASHED)
    op.create_index("ix_file_unverified", "file", ["verified_at"], sqlite_where=READY, postgresql_where=READY)
    op.create_index(
        "ix_file_alike", "file", ["owner_id", "size", "head_sha256"], sqlite_where=READY, postgresql_where=READY
    )

    op.create_table(
        "part_digests",
        sa.Column("file_id", sa.Uuid(), nullable=False),
        sa.Column("part_size", sa.BigInteger(), nullable=False),
        sa.Column("digests", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["file_id"], ["file.id"], name="fk_part_digests_file_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("file_id", name="pk_part_digests"),
    )
    op.create_table(
        "old_copy",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("file_id", sa.Uuid(), nullable=False),
        sa.Column("backend", sa.Text(), nullable=False),
        sa.Column("bucket", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("moved_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_old_copy"),
        sa.UniqueConstraint("backend", "bucket", "key", name="uq_old_copy_backend_bucket_key"),
    )
    op.create_index("ix_old_copy_file_id", "old_copy", ["file_id"])
    op.create_table(
        "lease",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("holder", sa.Uuid(), nullable=False),
        sa.Column("until", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_lease"),
    )
    op.create_table(
        "report",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("made_at", MOMENT, nullable=False),
        sa.Column("content", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("kind", name="pk_report"),
    )


def downgrade() -> None:
    lying = sa.text("SELECT 1 FROM file WHERE status = 'trashed' LIMIT 1")
    if op.get_bind().execute(lying).first() is not None:
        raise RuntimeError(
            "Something is in the trash, which the version before does not know. "
            "Restore it or remove it for good, then go back."
        )
    for table in ("report", "lease", "old_copy", "part_digests"):
        op.drop_table(table)
    for index, table in (
        ("ix_file_alike", "file"),
        ("ix_file_unverified", "file"),
        ("ix_file_trashed", "file"),
        ("ix_dataset_trashed", "dataset"),
    ):
        op.drop_index(index, table)
    with op.batch_alter_table("upload") as upload:
        upload.drop_column("folder")
        upload.drop_column("modified_at")
    for table, columns in (("file", FILE), ("dataset", DATASET)):
        for name, _ in reversed(columns):
            op.drop_column(table, name)
