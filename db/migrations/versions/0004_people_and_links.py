"""People and links: who signs in, who may see what, tokens, links for people without an account."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
READY = sa.text("status = 'ready'")
TEAM = sa.text("visibility = 'team' AND current_file_id IS NOT NULL")

USER = (
    ("email", sa.Text()),
    ("password_hash", sa.Text()),
    ("subject", sa.Text()),
    ("disabled_at", MOMENT),
    ("locked_until", MOMENT),
    ("signed_in_at", MOMENT),
)
EVENT = (
    ("actor", sa.Text()),
    ("link_id", sa.Uuid()),
    ("address", sa.Text()),
    ("agent", sa.Text()),
    ("dataset_name", sa.Text()),
    ("file_name", sa.Text()),
)
TEAM_INDEXES = (("by_updated", "updated_at"), ("by_name", "name_key"), ("by_size", "size"))
EVENT_INDEXES = ("kind", "user_id", "link_id")
NEW_TABLES = (
    "upload_request",
    "share_link",
    "one_time",
    "api_token",
    "user_session",
    "dataset_grant",
    "group_member",
    "user_group",
)


def upgrade() -> None:
    with op.batch_alter_table("user_account") as user:
        for name, kind in USER:
            user.add_column(sa.Column(name, kind, nullable=True))
        # Whoever was here before had the shelf to themselves.
        user.add_column(sa.Column("role", sa.Text(), nullable=False, server_default="admin"))
        user.add_column(sa.Column("failed_sign_ins", sa.Integer(), nullable=False, server_default="0"))
        user.create_unique_constraint("uq_user_account_email", ["email"])
        user.create_unique_constraint("uq_user_account_subject", ["subject"])
    op.add_column("dataset", sa.Column("visibility", sa.Text(), nullable=False, server_default="private"))
    op.add_column("dataset", sa.Column("hidden_for", sa.Uuid(), nullable=True))
    op.add_column("upload", sa.Column("request_id", sa.Uuid(), nullable=True))
    op.add_column("shelf_count", sa.Column("team_datasets", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("shelf_count", sa.Column("team_size", sa.BigInteger(), nullable=False, server_default="0"))
    for name, kind in EVENT:
        op.add_column("event", sa.Column(name, kind, nullable=True))
    op.add_column("event", sa.Column("search_text", sa.Text(), nullable=False, server_default=""))
    # What is still there is named; the names in older events' details stay where they are.
    op.execute(
        "UPDATE event SET actor = (SELECT name FROM user_account WHERE user_account.id = event.user_id),"
        " dataset_name = (SELECT coalesce(trashed_name, name) FROM dataset WHERE dataset.id = event.dataset_id),"
        " file_name = (SELECT file_name FROM file WHERE file.id = event.file_id)"
    )
    op.execute(
        "UPDATE event SET search_text ="
        " lower(coalesce(actor, '') || ' ' || coalesce(dataset_name, '') || ' ' || coalesce(file_name, ''))"
    )
    for ending, column in TEAM_INDEXES:
        op.create_index(
            f"ix_dataset_team_{ending}", "dataset", [column, "id"], sqlite_where=TEAM, postgresql_where=TEAM
        )
    for column in EVENT_INDEXES:
        op.create_index(f"ix_event_{column}_at", "event", [column, "at"])
    # Files with the same content are looked for among those of several owners.
    op.drop_index("ix_file_alike", "file")
    op.create_index("ix_file_same", "file", ["size", "sha256"], sqlite_where=READY, postgresql_where=READY)

    op.create_table(
        "user_group",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("from_directory", sa.Boolean(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_user_group"),
        sa.UniqueConstraint("name", name="uq_user_group_name"),
    )
    op.create_table(
        "group_member",
        sa.Column("group_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["group_id"], ["user_group.id"], name="fk_group_member_group_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["user_id"], ["user_account.id"], name="fk_group_member_user_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("group_id", "user_id", name="pk_group_member"),
    )
    op.create_index("ix_group_member_user_id", "group_member", ["user_id"])
    op.create_table(
        "dataset_grant",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("dataset_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column("group_id", sa.Uuid(), nullable=True),
        sa.Column("level", sa.Text(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.CheckConstraint("(user_id IS NULL) <> (group_id IS NULL)", name="ck_dataset_grant_one_of_two"),
        sa.ForeignKeyConstraint(["dataset_id"], ["dataset.id"], name="fk_dataset_grant_dataset_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["group_id"], ["user_group.id"], name="fk_dataset_grant_group_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["user_id"], ["user_account.id"], name="fk_dataset_grant_user_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_dataset_grant"),
        sa.UniqueConstraint("dataset_id", "group_id", name="uq_dataset_grant_dataset_id_group_id"),
        sa.UniqueConstraint("dataset_id", "user_id", name="uq_dataset_grant_dataset_id_user_id"),
    )
    op.create_index("ix_dataset_grant_group_id_dataset_id", "dataset_grant", ["group_id", "dataset_id"])
    op.create_index("ix_dataset_grant_user_id_dataset_id", "dataset_grant", ["user_id", "dataset_id"])
    op.create_table(
        "user_session",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("token_hash", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("seen_at", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("address", sa.Text(), nullable=True),
        sa.Column("agent", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["user_account.id"], name="fk_user_session_user_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_user_session"),
        sa.UniqueConstraint("token_hash", name="uq_user_session_token_hash"),
    )
    op.create_index("ix_user_session_expires_at", "user_session", ["expires_at"])
    op.create_index("ix_user_session_user_id_seen_at", "user_session", ["user_id", "seen_at"])
    op.create_table(
        "api_token",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("token_hash", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("hint", sa.Text(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=True),
        sa.Column("last_used_at", MOMENT, nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["user_account.id"], name="fk_api_token_user_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_api_token"),
        sa.UniqueConstraint("token_hash", name="uq_api_token_token_hash"),
    )
    op.create_index("ix_api_token_user_id_created_at", "api_token", ["user_id", "created_at"])
    op.create_table(
        "one_time",
        sa.Column("token_hash", sa.Text(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column("detail", sa.JSON(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["user_account.id"], name="fk_one_time_user_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("token_hash", name="pk_one_time"),
    )
    op.create_index("ix_one_time_expires_at", "one_time", ["expires_at"])
    op.create_table(
        "share_link",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("token_hash", sa.Text(), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("dataset_id", sa.Uuid(), nullable=False),
        sa.Column("file_id", sa.Uuid(), nullable=True),
        sa.Column("dataset_name", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=True),
        sa.Column("wrong_passwords", sa.Integer(), nullable=False),
        sa.Column("slowed_until", MOMENT, nullable=True),
        sa.Column("expires_at", MOMENT, nullable=True),
        sa.Column("max_downloads", sa.Integer(), nullable=True),
        sa.Column("downloads", sa.Integer(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("last_used_at", MOMENT, nullable=True),
        sa.Column("revoked_at", MOMENT, nullable=True),
        sa.Column("slice", sa.JSON(), nullable=True),
        sa.Column("slice_dataset_id", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(["owner_id"], ["user_account.id"], name="fk_share_link_owner_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_share_link"),
        sa.UniqueConstraint("token_hash", name="uq_share_link_token_hash"),
    )
    op.create_index("ix_share_link_dataset_id_created_at", "share_link", ["dataset_id", "created_at"])
    op.create_index("ix_share_link_owner_id_created_at", "share_link", ["owner_id", "created_at"])
    op.create_table(
        "upload_request",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("token_hash", sa.Text(), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=True),
        sa.Column("wrong_passwords", sa.Integer(), nullable=False),
        sa.Column("slowed_until", MOMENT, nullable=True),
        sa.Column("expires_at", MOMENT, nullable=True),
        sa.Column("max_files", sa.Integer(), nullable=True),
        sa.Column("max_size", sa.BigInteger(), nullable=True),
        sa.Column("files", sa.Integer(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("last_used_at", MOMENT, nullable=True),
        sa.Column("revoked_at", MOMENT, nullable=True),
        sa.ForeignKeyConstraint(
            ["owner_id"], ["user_account.id"], name="fk_upload_request_owner_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_upload_request"),
        sa.UniqueConstraint("token_hash", name="uq_upload_request_token_hash"),
    )
    op.create_index("ix_upload_request_owner_id_created_at", "upload_request", ["owner_id", "created_at"])


def downgrade() -> None:
    for table in NEW_TABLES:
        op.drop_table(table)
    op.drop_index("ix_file_same", "file")
    op.create_index(
        "ix_file_alike", "file", ["owner_id", "size", "head_sha256"], sqlite_where=READY, postgresql_where=READY
    )
    for column in EVENT_INDEXES:
        op.drop_index(f"ix_event_{column}_at", "event")
    for ending, _ in TEAM_INDEXES:
        op.drop_index(f"ix_dataset_team_{ending}", "dataset")
    op.drop_column("event", "search_text")
    for name, _ in reversed(EVENT):
        op.drop_column("event", name)
    op.drop_column("shelf_count", "team_size")
    op.drop_column("shelf_count", "team_datasets")
    op.drop_column("upload", "request_id")
    # A copy made for a link is no dataset of its own to the version before, which would list it.
    op.execute(
        "UPDATE file SET status = 'deleted', dataset_id = NULL, version = NULL"
        " WHERE dataset_id IN (SELECT id FROM dataset WHERE hidden_for IS NOT NULL)"
    )
    op.execute("DELETE FROM dataset WHERE hidden_for IS NOT NULL")
    op.drop_column("dataset", "hidden_for")
    op.drop_column("dataset", "visibility")
    with op.batch_alter_table("user_account") as user:
        user.drop_constraint("uq_user_account_subject", type_="unique")
        user.drop_constraint("uq_user_account_email", type_="unique")
        for name in ("failed_sign_ins", "role"):
            user.drop_column(name)
        for name, _ in reversed(USER):
            user.drop_column(name)
