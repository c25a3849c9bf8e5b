"""The tables. What they mean together is the catalogue's business; here are columns, constraints and indices.

Every list a screen shows has an index that yields it in order. The facts of a dataset's newest ready file are copied
onto the dataset (`catalog/shelf.py` keeps them): a page of a list must not join a hundred thousand rows to be sorted.
They stand together because they name one another; the length is that of the schema.
"""

from __future__ import annotations

import uuid
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    LargeBinary,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Column as SqlColumn
from sqlmodel import Field, SQLModel

from db.utc import UtcDateTime, utc_now

METADATA = SQLModel.metadata
METADATA.naming_convention = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "pk": "pk_%(table_name)s",
}

# PostgreSQL would sort by the database's own language rules; code points sort alike on both databases, and faster.
SORTED_TEXT = Text().with_variant(Text(collation="C"), "postgresql")
DETAIL = JSON().with_variant(JSONB(), "postgresql")
# Kept as text on both databases: it holds values out of files, and PostgreSQL's JSONB refuses a NUL among them.
CONTENT = JSON(none_as_null=True)
LISTED = text("current_file_id IS NOT NULL")
TEAM = text("visibility = 'team' AND current_file_id IS NOT NULL")
TRASHED = text("trashed_at IS NOT NULL")
READY = text("status = 'ready'")
UNREAD = text("status = 'ready' AND (described_at IS NULL OR scanned_at IS NULL)")


class FileStatus(StrEnum):
    """Where a file is in its life. A row that is `deleted` stands for an object that is still to be removed.

    `trashed` is one that nobody sees or downloads any more and that can be put back; `failed` is never served as good.
    """

    PENDING = "pending"
    READY = "ready"
    FAILED = "failed"
    TRASHED = "trashed"
    DELETED = "deleted"


class ProfileStatus(StrEnum):
    """How far a file's statistics are. `waiting` and `computing` are both under way; of `stopped` nobody goes on."""

    WAITING = "waiting"
    COMPUTING = "computing"
    READY = "ready"
    FAILED = "failed"
    STOPPED = "stopped"


class Role(StrEnum):
    """What a person may do on the whole shelf: look, put things there, or run it."""

    VIEWER = "viewer"
    EDITOR = "editor"
    ADMIN = "admin"


class Visibility(StrEnum):
    """Who sees a dataset beside its owner and those it was shared with: nobody, or everybody who signs in."""

    PRIVATE = "private"
    TEAM = "team"


class Level(StrEnum):
    """What somebody a dataset was shared with may do with it."""

    READER = "reader"
    EDITOR = "editor"


class User(SQLModel, table=True):
    """A person. `name` is what others see; by `email` or `name` they sign in with a password."""

    __tablename__ = "user_account"  # "user" is a keyword of SQL

    id: uuid.UUID = Field(default_factory=uuid.uuid4, primary_key=True)
    name: str = Field(sa_type=Text, unique=True)
    created_at: datetime = Field(default_factory=utc_now, sa_type=UtcDateTime)
    email: str | None = Field(default=None, sa_type=Text, unique=True)
    """Folded: one address, however it is typed."""
    role: str = Field(default=Role.EDITOR, sa_type=Text)
    password_hash: str | None = Field(default=None, sa_type=Text)
    """argon2id, in its own encoded form; None: no password signs this person in."""
    subject: str | None = Field(default=None, sa_type=Text, unique=True)
    """Who this is to a provider or a proxy: its issuer and its own name for the person."""
    disabled_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    failed_sign_ins: int = 0
    """Wrong ones since the last right one, by somebody signed in who wants to change it."""
    locked_until: datetime | None = Field(default=None, sa_type=UtcDateTime)
    signed_in_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class Group(SQLModel, table=True):
    """People under one name, to share with. `from_directory`: a provider or a proxy says who is in it."""

    __tablename__ = "user_group"  # "group" is a keyword of SQL

    id: uuid.UUID = Field(default_factory=uuid.uuid4, primary_key=True)
    name: str = Field(sa_type=Text, unique=True)
    from_directory: bool = False
    created_at: datetime = Field(default_factory=utc_now, sa_type=UtcDateTime)


class GroupMember(SQLModel, table=True):
    __tablename__ = "group_member"
    __table_args__ = (Index(None, "user_id"),)

    group_id: uuid.UUID = Field(sa_column=SqlColumn(ForeignKey("user_group.id", ondelete="CASCADE"), primary_key=True))
    user_id: uuid.UUID = Field(sa_column=SqlColumn(ForeignKey("user_account.id", ondelete="CASCADE"), primary_key=True))


class UserSession(SQLModel, table=True):
    """A browser that is signed in: its cookie holds the token, the row its SHA-256. No row: signed out."""

    __tablename__ = "user_session"
    __table_args__ = (Index(None, "user_id", "seen_at"), Index(None, "expires_at"))

    id: uuid.UUID = Field(default_factory=uuid.uuid4, primary_key=True)
    token_hash: str = Field(sa_type=Text, unique=True)
    user_id: uuid.UUID = Field(sa_column=SqlColumn(ForeignKey("user_account.id", ondelete="CASCADE"), nullable=False))
    created_at: datetime = Field(default_factory=utc_now, sa_type=UtcDateTime)
    seen_at: datetime = Field(default_factory=utc_now, sa_type=UtcDateTime)
    expires_at: datetime = Field(sa_type=UtcDateTime)
    """However much it is used; the idle limit counts from `seen_at`."""
    address: str | None = Field(default=None, sa_type=Text)
    agent: str | None = Field(default=None, sa_type=Text)


class ApiToken(SQLModel, table=True):
    """A person's token for notebooks and scripts: shown once, kept as its SHA-256. A row that is gone is revoked."""

    __tablename__ = "api_token"
    __table_args__ = (Index(None, "user_id", "created_at"),)

    id: uuid.UUID = Field(default_factory=uuid.uuid4, primary_key=True)
    token_hash: str = Field(sa_type=Text, unique=True)
    user_id: uuid.UUID = Field(sa_column=SqlColumn(ForeignKey("user_account.id", ondelete="CASCADE"), nullable=False))
    name: str = Field(sa_type=Text)
    scope: str = Field(sa_type=Text)
    """`read` or `write`, which reads as well."""
    hint: str = Field(sa_type=Text)
    """Its last characters, to tell one from another."""
    created_at: datetime = Field(default_factory=utc_now, sa_type=UtcDateTime)
    expires_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    last_used_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class OneTime(SQLModel, table=True):
    """A secret that works once: a set-up or password link, or a sign-in on its way to a provider and back."""

    __tablename__ = "one_time"
    __table_args__ = (Index(None, "expires_at"),)

    token_hash: str = Field(sa_type=Text, primary_key=True)
    purpose: str = Field(sa_type=Text)
    user_id: uuid.UUID | None = Field(
        sa_column=SqlColumn(ForeignKey("user_account.id", ondelete="CASCADE"), nullable=True)
    )
    detail: dict[str, Any] = Field(default_factory=dict, sa_type=CONTENT)
    created_at: datetime = Field(default_factory=utc_now, sa_type=UtcDateTime)
    expires_at: datetime = Field(sa_type=UtcDateTime)


class Dataset(SQLModel, table=True):
    """A named thing on the shelf. It is listed while `current_file_id` names its newest ready file."""

    __table_args__ = (
        UniqueConstraint("owner_id", "name"),
        Index("ix_dataset_by_updated", "owner_id", "updated_at", "id", sqlite_where=LISTED, postgresql_where=LISTED),
        Index("ix_dataset_by_name", "owner_id", "name_key", "id", sqlite_where=LISTED, postgresql_where=LISTED),
        Index("ix_dataset_by_size", "owner_id", "size", "id", sqlite_where=LISTED, postgresql_where=LISTED),
        Index(
            "ix_dataset_by_format",
            "owner_id",
            "format",
            "updated_at",
            "id",
            sqlite_where=LISTED,
            postgresql_where=LISTED,
        ),
        Index("ix_dataset_by_file_name", "owner_id", "file_name", sqlite_where=LISTED, postgresql_where=LISTED),
        Index("ix_dataset_trashed", "trashed_at", sqlite_where=TRASHED, postgresql_where=TRASHED),
        Index("ix_dataset_team_by_updated", "updated_at", "id", sqlite_where=TEAM, postgresql_where=TEAM),
        Index("ix_dataset_team_by_name", "name_key", "id", sqlite_where=TEAM, postgresql_where=TEAM),
        Index("ix_dataset_team_by_size", "size", "id", sqlite_where=TEAM, postgresql_where=TEAM),
    )

    id: uuid.UUID = Field(default_factory=uuid.uuid4, primary_key=True)
    owner_id: uuid.UUID = Field(foreign_key="user_account.id")
    name: str = Field(sa_type=Text)
    name_key: str = Field(sa_type=SORTED_TEXT)
    description: str = Field(default="", sa_type=Text)
    created_at: datetime = Field(default_factory=utc_now, sa_type=UtcDateTime)
    updated_at: datetime = Field(default_factory=utc_now, sa_type=UtcDateTime)
    last_version: int = 0
    # Copies of the newest ready file's facts; without a foreign key, which would close a circle between two tables.
    current_file_id: uuid.UUID | None = None
    file_name: str = Field(default="", sa_type=Text)
    format: str = Field(default="other", sa_type=Text)
    size: int = Field(default=0, sa_type=BigInteger)
    rows: int | None = Field(default=None, sa_type=BigInteger)
    columns: int | None = None
    search_text: str = Field(default="", sa_type=Text)
    read_as: dict[str, Any] | None = Field(default=None, sa_type=CONTENT)
    """How every version is read, where a user said so (`ReadAs.to_plain`)."""
    trashed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    trashed_name: str | None = Field(default=None, sa_type=Text)
    """What it was called; while it is in the trash `name` is its id, so that the name is free for another."""
    visibility: str = Field(default=Visibility.PRIVATE, sa_type=Text)
    hidden_for: uuid.UUID | None = None
    """The share link whose sliced copy this is. Such a dataset is in no list: it has no `current_file_id`."""


class DatasetGrant(SQLModel, table=True):
    """That a dataset is shared with a person or with a group, one of the two, as reader or as editor."""

    __tablename__ = "dataset_grant"
    __table_args__ = (
        UniqueConstraint("dataset_id", "user_id"),
        UniqueConstraint("dataset_id", "group_id"),
        CheckConstraint("(user_id IS NULL) <> (group_id IS NULL)", name="one_of_two"),
        Index(None, "user_id", "dataset_id"),
        Index(None, "group_id", "dataset_id"),
    )

    id: uuid.UUID = Field(default_factory=uuid.uuid4, primary_key=True)
    dataset_id: uuid.UUID = Field(sa_column=SqlColumn(ForeignKey("dataset.id", ondelete="CASCADE"), nullable=False))
    user_id: uuid.UUID | None = Field(
        sa_column=SqlColumn(ForeignKey("user_account.id", ondelete="CASCADE"), nullable=True)
    )
    group_id: uuid.UUID | None = Field(
        sa_column=SqlColumn(ForeignKey("user_group.id", ondelete="CASCADE"), nullable=True)
    )
    level: str = Field(sa_type=Text)
    created_at: datetime = Field(default_factory=utc_now, sa_type=UtcDateTime)


class DatasetTag(SQLModel, table=True):
    """A tag as typed, and the key under which it is the same tag.

    Owner and `listed` are copies from the dataset, so that counting an owner's tags is one scan of an index.
    """

    __tablename__ = "dataset_tag"
    __table_args__ = (
        Index("ix_dataset_tag_count", "owner_id", "listed", "tag_key", "tag"),
        Index(None, "tag_key", "dataset_id"),
    )

    dataset_id: uuid.UUID = Field(sa_column=SqlColumn(ForeignKey("dataset.id", ondelete="CASCADE"), primary_key=True))
    tag_key: str = Field(sa_type=SORTED_TEXT, primary_key=True)
    tag: str = Field(sa_type=Text)
    position: int
    owner_id: uuid.UUID
    listed: bool


class File(SQLModel, table=True):
    """One version of a dataset and where its bytes lie.

    `dataset_id` is null once the dataset is gone and the object is not.
    """

    __table_args__ = (
        UniqueConstraint("dataset_id", "version"),
        UniqueConstraint("backend", "bucket", "key"),
        CheckConstraint("size >= 0", name="size_not_negative"),
        Index("ix_file_by_status", "status", "created_at"),
        Index("ix_file_use", "owner_id", "status", "backend", "bucket", "role", "size"),
        Index("ix_file_unread", "created_at", sqlite_where=UNREAD, postgresql_where=UNREAD),
        Index("ix_file_unverified", "verified_at", sqlite_where=READY, postgresql_where=READY),
        Index("ix_file_same", "size", "sha256", sqlite_where=READY, postgresql_where=READY),
        Index("ix_file_trashed", "trashed_at", sqlite_where=TRASHED, postgresql_where=TRASHED),
    )

    id: uuid.UUID = Field(default_factory=uuid.uuid4, primary_key=True)
    dataset_id: uuid.UUID | None = Field(
        sa_column=SqlColumn(ForeignKey("dataset.id", ondelete="SET NULL"), nullable=True)
    )
    owner_id: uuid.UUID = Field(foreign_key="user_account.id")
    version: int | None = None
    status: str = Field(default=FileStatus.PENDING, sa_type=Text)
    file_name: str = Field(sa_type=Text)
    format: str = Field(sa_type=Text)
    media_type: str = Field(sa_type=Text)
    size: int = Field(sa_type=BigInteger)
    etag: str | None = Field(default=None, sa_type=Text)
    sha256: str | None = Field(default=None, sa_type=Text)
    sha256_verified: bool = False
    backend: str = Field(sa_type=Text)
    bucket: str = Field(sa_type=Text)
    role: str = Field(sa_type=Text)
    key: str = Field(sa_type=Text)
    rows: int | None = Field(default=None, sa_type=BigInteger)
    columns: int | None = None
    downloads: int = Field(default=0, sa_type=BigInteger)
    created_at: datetime = Field(default_factory=utc_now, sa_type=UtcDateTime)
    described_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    scanned_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    read_attempts: int = 0
    verified_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    """When every stored byte was last read and was right."""
    failure: str | None = Field(default=None, sa_type=Text)
    """Why it is `failed`, in a sentence."""
    head_sha256: str | None = Field(default=None, sa_type=Text)
    tail_sha256: str | None = Field(default=None, sa_type=Text)
    """Of the first and the last MiB, as the client told them: by these, size and date it knows its file again."""
    trashed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    downloaded_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class Column(SQLModel, table=True):
    """A column of a file: its place, name and type, as the preview read them; and the name as it is compared."""

    __tablename__ = "file_column"  # "column" is a keyword of SQL
    __table_args__ = (Index("ix_file_column_alike", "name_key", "type", "file_id"),)

    file_id: uuid.UUID = Field(sa_column=SqlColumn(ForeignKey("file.id", ondelete="CASCADE"), primary_key=True))
    position: int = Field(primary_key=True)
    name: str = Field(sa_type=Text)
    type: str = Field(sa_type=Text)
    name_key: str = Field(sa_type=Text)


class Profile(SQLModel, table=True):
    """Statistics of a file's columns, read in one way (`ReadAs.key`); while they are computed, the first rough ones.

    Whoever computes them writes `claim` and lets `beat_at` go on; a claim whose beat has stopped may be taken over.
    """

    __tablename__ = "file_profile"
    __table_args__ = (Index(None, "status", "wanted_at"),)

    file_id: uuid.UUID = Field(sa_column=SqlColumn(ForeignKey("file.id", ondelete="CASCADE"), primary_key=True))
    read_key: str = Field(sa_type=Text, primary_key=True)
    status: str = Field(default=ProfileStatus.WAITING, sa_type=Text)
    progress: float | None = None
    """From 0 to 1; None where it is not known."""
    content: dict[str, Any] | None = Field(default=None, sa_type=CONTENT)
    error: str | None = Field(default=None, sa_type=Text)
    attempts: int = 0
    claim: uuid.UUID | None = None
    beat_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    wanted_at: datetime = Field(default_factory=utc_now, sa_type=UtcDateTime)
    computed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class RowPlaces(SQLModel, table=True):
    """Where every `step`-th row of a text file begins, read in one way: offsets of eight bytes each, little-endian."""

    __tablename__ = "row_index"

    file_id: uuid.UUID = Field(sa_column=SqlColumn(ForeignKey("file.id", ondelete="CASCADE"), primary_key=True))
    read_key: str = Field(sa_type=Text, primary_key=True)
    step: int = Field(sa_type=BigInteger)
    offsets: bytes = Field(sa_type=LargeBinary)


class Upload(SQLModel, table=True):
    """How a file comes in. The row outlives completion, so that completing again can give the same answer."""

    __table_args__ = (
        Index("ix_upload_open", "owner_id", "completed_at", "created_at"),
        Index(None, "completed_at", "touched_at"),
    )

    id: uuid.UUID = Field(default_factory=uuid.uuid4, primary_key=True)
    file_id: uuid.UUID = Field(
        sa_column=SqlColumn(ForeignKey("file.id", ondelete="CASCADE"), unique=True, nullable=False)
    )
    owner_id: uuid.UUID = Field(foreign_key="user_account.id")
    store_upload_id: str | None = Field(default=None, sa_type=Text)
    """The store's own id; null until the store was asked for one."""
    part_size: int = Field(sa_type=BigInteger)
    modified_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    """The file's own date on the client's disk."""
    folder: str = Field(default="", sa_type=Text)
    """The folder it was dropped with, where there was one."""
    created_at: datetime = Field(default_factory=utc_now, sa_type=UtcDateTime)
    touched_at: datetime = Field(default_factory=utc_now, sa_type=UtcDateTime)
    completed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    request_id: uuid.UUID | None = None
    """The upload request by which somebody without an account sends it; `owner_id` is then whose request it is."""


class PartDigests(SQLModel, table=True):
    """SHA-256 of each part of a file: 32 bytes each, one after the other; zeros where unknown.

    As the client told it; where it told none, as the part was when the whole file was read the first time.
    Part n is bytes [(n−1)·part_size, n·part_size) of the file.
    """

    __tablename__ = "part_digests"

    file_id: uuid.UUID = Field(sa_column=SqlColumn(ForeignKey("file.id", ondelete="CASCADE"), primary_key=True))
    part_size: int = Field(sa_type=BigInteger)
    digests: bytes = Field(sa_type=LargeBinary)


class OldCopy(SQLModel, table=True):
    """Where a file lay before it was moved to another backend. The object stays until the operator lets it go."""

    __tablename__ = "old_copy"
    __table_args__ = (UniqueConstraint("backend", "bucket", "key"), Index(None, "file_id"))

    id: uuid.UUID = Field(default_factory=uuid.uuid4, primary_key=True)
    file_id: uuid.UUID
    backend: str = Field(sa_type=Text)
    bucket: str = Field(sa_type=Text)
    role: str = Field(sa_type=Text)
    key: str = Field(sa_type=Text)
    size: int = Field(sa_type=BigInteger)
    moved_at: datetime = Field(default_factory=utc_now, sa_type=UtcDateTime)


class Lease(SQLModel, table=True):
    """Who does a thing that is done once across all replicas, and until when nobody else takes it over."""

    name: str = Field(sa_type=Text, primary_key=True)
    holder: uuid.UUID
    until: datetime = Field(sa_type=UtcDateTime)


class Report(SQLModel, table=True):
    """What a check found last; `kind` says which: reconcile, scrub, lifecycle."""

    kind: str = Field(sa_type=Text, primary_key=True)
    made_at: datetime = Field(default_factory=utc_now, sa_type=UtcDateTime)
    content: dict[str, Any] = Field(default_factory=dict, sa_type=CONTENT)


class Event(SQLModel, table=True):
    """What happened; append-only. It names things without foreign keys, because it outlives them."""

    __table_args__ = (
        Index(None, "dataset_id", "at"),
        Index(None, "at"),
        Index(None, "kind", "at"),
        Index(None, "user_id", "at"),
        Index(None, "link_id", "at"),
    )

    id: uuid.UUID = Field(default_factory=uuid.uuid4, primary_key=True)
    at: datetime = Field(default_factory=utc_now, sa_type=UtcDateTime)
    kind: str = Field(sa_type=Text)
    user_id: uuid.UUID | None = None
    dataset_id: uuid.UUID | None = None
    file_id: uuid.UUID | None = None
    detail: dict[str, Any] = Field(default_factory=dict, sa_type=DETAIL)
    actor: str | None = Field(default=None, sa_type=Text)
    """Who did it, by the name they had then: a user, a link, a command."""
    link_id: uuid.UUID | None = None
    """The share link or upload request by which it was done."""
    address: str | None = Field(default=None, sa_type=Text)
    agent: str | None = Field(default=None, sa_type=Text)
    """As the client calls itself (User-Agent)."""
    dataset_name: str | None = Field(default=None, sa_type=Text)
    file_name: str | None = Field(default=None, sa_type=Text)
    """What dataset and file were called then."""
    search_text: str = Field(default="", sa_type=Text)
    """Every name and address in it, folded, for the search."""


class ShareLink(SQLModel, table=True):
    """A link to a file for people without an account. Its token comes from its id and SECRET_KEY; here is its SHA-256.

    `file_id` is the version it serves; None: the newest of the dataset. With `slice` it serves the copy made so.
    """

    __tablename__ = "share_link"
    __table_args__ = (Index(None, "owner_id", "created_at"), Index(None, "dataset_id", "created_at"))

    id: uuid.UUID = Field(default_factory=uuid.uuid4, primary_key=True)
    token_hash: str = Field(sa_type=Text, unique=True)
    owner_id: uuid.UUID = Field(sa_column=SqlColumn(ForeignKey("user_account.id", ondelete="CASCADE"), nullable=False))
    dataset_id: uuid.UUID
    """Without a foreign key: a link outlives its dataset, and says so."""
    file_id: uuid.UUID | None = None
    dataset_name: str = Field(sa_type=Text)
    note: str = Field(default="", sa_type=Text)
    """Who it is for."""
    password_hash: str | None = Field(default=None, sa_type=Text)
    wrong_passwords: int = 0
    """In a row, since the last right one."""
    slowed_until: datetime | None = Field(default=None, sa_type=UtcDateTime)
    expires_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    max_downloads: int | None = None
    downloads: int = 0
    created_at: datetime = Field(default_factory=utc_now, sa_type=UtcDateTime)
    last_used_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    revoked_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    slice: dict[str, Any] | None = Field(default=None, sa_type=CONTENT)
    """`{columns: […] | null, where: "…" | null}`: what of the file it serves."""
    slice_dataset_id: uuid.UUID | None = None


class UploadRequest(SQLModel, table=True):
    """A link by which people without an account put files onto its owner's shelf. Sizes in bytes."""

    __tablename__ = "upload_request"
    __table_args__ = (Index(None, "owner_id", "created_at"),)

    id: uuid.UUID = Field(default_factory=uuid.uuid4, primary_key=True)
    token_hash: str = Field(sa_type=Text, unique=True)
    owner_id: uuid.UUID = Field(sa_column=SqlColumn(ForeignKey("user_account.id", ondelete="CASCADE"), nullable=False))
    note: str = Field(default="", sa_type=Text)
    """What is asked for; whoever has the link reads it."""
    password_hash: str | None = Field(default=None, sa_type=Text)
    wrong_passwords: int = 0
    slowed_until: datetime | None = Field(default=None, sa_type=UtcDateTime)
    expires_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    max_files: int | None = None
    max_size: int | None = Field(default=None, sa_type=BigInteger)
    """Of one file."""
    files: int = 0
    """Begun and not given up."""
    created_at: datetime = Field(default_factory=utc_now, sa_type=UtcDateTime)
    last_used_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    revoked_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class ShelfCount(SQLModel, table=True):
    """How many datasets an owner has listed, of how many bytes, and how many of those the team sees; kept in the
    transaction that changes either."""

    __tablename__ = "shelf_count"

    owner_id: uuid.UUID = Field(foreign_key="user_account.id", primary_key=True)
    datasets: int = 0
    size: int = Field(default=0, sa_type=BigInteger)
    team_datasets: int = 0
    team_size: int = Field(default=0, sa_type=BigInteger)
