"""Who may see and change what: the one place that decides. Everything else asks it for its rows.

A dataset is seen by its owner, by everybody where it is the team's, and by the people and groups it was shared with.
It is changed by its owner and by those it was shared with as editors; it is given away, shared and deleted by its owner
alone. What a caller may not see does not exist for them: the error is the same. What they see and may not change is
`NotAllowed`. Being an admin shows nobody's private datasets: admins run the shelf and hand over what somebody left.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from enum import Enum
from typing import Literal

from sqlalchemy import ColumnElement, and_, literal_column, or_, union
from sqlalchemy import select as sql_select
from sqlmodel import Session, col, select

from catalog.caller import Caller
from catalog.errors import (
    AdminsOnly,
    DatasetNotFound,
    FileNotFound,
    FileNotReady,
    NotAllowed,
    ReadOnly,
    UploadNotFound,
)
from db.tables import (
    Dataset,
    DatasetGrant,
    File,
    FileStatus,
    GroupMember,
    Level,
    Role,
    ShelfCount,
    Upload,
    User,
    Visibility,
)

AccessLevel = Literal["owner", "editor", "reader"]
"""What a dataset is to a caller who sees it. Whether they change anything at all is said by `Caller.writes`."""

FAILED_CHECK = (
    "The stored bytes did not match the checksum given at upload, so the file is not served. Upload it again."
)
"""Of a failed file where nothing else was noted."""


class Need(Enum):
    """What a caller wants to do with a dataset."""

    READ = "read"
    """See it, its files, rows and statistics, and download it."""
    EDIT = "edit"
    """Change what it says, add and delete versions, hand out links to it."""
    OWN = "own"
    """Share it with people, give it away, delete it."""


IS_TEAM: ColumnElement[bool] = col(Dataset.visibility) == literal_column(f"'{Visibility.TEAM.value}'")
"""The team sees it. No parameter: with one, SQLite would not know that the indices of the team's datasets will do."""


def sees_dataset(caller: Caller) -> ColumnElement[bool]:
    """The condition under which the caller sees a dataset: on the shelf where it is listed, in the trash where not."""
    mine = col(Dataset.owner_id) == caller.user_id
    if caller.alone:
        return mine
    return or_(mine, IS_TEAM, is_granted(caller))


def is_granted(caller: Caller, *levels: Level) -> ColumnElement[bool]:
    """The condition under which a dataset is shared with the caller or a group of theirs, as one of `levels` if any."""
    granted = select(DatasetGrant.dataset_id).where(to_caller(caller))
    if levels:
        granted = granted.where(col(DatasetGrant.level).in_(levels))
    return col(Dataset.id).in_(granted)


def is_meant_for(caller: Caller) -> ColumnElement[bool]:
    """Beside `sees_dataset`, for a single dataset: a copy made for a link is served by that link alone, and whoever
    came by it sees nothing else. (No list shows a copy anyway.)"""
    hidden_for = col(Dataset.hidden_for)
    return hidden_for.is_(None) if caller.link_id is None else hidden_for == caller.link_id


def user_changes_dataset() -> ColumnElement[bool]:
    """The condition under which the user of a row may change the dataset of the same row: for what goes on in their
    name while they are away, as the links they made."""
    member = select(GroupMember.group_id).where(col(GroupMember.user_id) == col(User.id)).correlate(User)
    to_them = or_(col(DatasetGrant.user_id) == col(User.id), col(DatasetGrant.group_id).in_(member))
    granted = select(DatasetGrant.id).where(col(DatasetGrant.dataset_id) == col(Dataset.id), to_them)
    edits = granted.where(DatasetGrant.level == Level.EDITOR).correlate(User, Dataset).exists()
    comes_in = and_(col(User.disabled_at).is_(None), col(User.role) != Role.VIEWER)
    return and_(comes_in, or_(col(Dataset.owner_id) == col(User.id), edits))


def to_caller(caller: Caller) -> ColumnElement[bool]:
    """The condition under which a grant is one to the caller, or to a group of theirs."""
    to_them = col(DatasetGrant.user_id) == caller.user_id
    return or_(to_them, col(DatasetGrant.group_id).in_(caller.groups)) if caller.groups else to_them


def changes_dataset(caller: Caller) -> ColumnElement[bool]:
    """The condition under which the caller may change a dataset, given that they change anything (`check_writes`)."""
    mine = col(Dataset.owner_id) == caller.user_id
    return mine if caller.alone else or_(mine, is_granted(caller, Level.EDITOR))


def owners_seen(caller: Caller) -> ColumnElement[bool]:
    """The condition under which a user may own listed datasets that the caller sees: without a look at all of them."""
    shared = select(Dataset.owner_id).where(is_granted(caller), col(Dataset.current_file_id).is_not(None))
    for_all = sql_select(col(ShelfCount.owner_id)).where(col(ShelfCount.team_datasets) > 0)
    me = sql_select(col(User.id)).where(col(User.id) == caller.user_id)
    return col(User.id).in_(me if caller.alone else union(me, for_all, shared))


def check_writes(caller: Caller) -> None:
    """Raises ReadOnly for whoever changes nothing, nowhere."""
    if not caller.may_write:
        raise ReadOnly("This token only reads. Make one with the scope “write” to change something.")
    if not caller.writes:
        raise ReadOnly("Your role is viewer, which looks and downloads. An admin can make you an editor.")


def check_admin(caller: Caller, *, writes: bool = False) -> None:
    """Raises AdminsOnly; ReadOnly where something is to change and the token only reads."""
    if not caller.is_admin:
        raise AdminsOnly("Only an admin may do this. Ask whoever runs the shelf.")
    if writes:
        check_writes(caller)


def find_dataset(
    session: Session, caller: Caller, dataset_id: uuid.UUID, *, need: Need = Need.READ, lock: bool = False
) -> Dataset:
    """The dataset, listed or not, but not one in the trash. Raises DatasetNotFound, NotAllowed, ReadOnly.

    `lock` makes other writers of this dataset wait (SQLite has one writer anyway): every change of a dataset or of its
    files takes this lock first, so that two of them never wait for each other.
    """
    of_theirs = (sees_dataset(caller), is_meant_for(caller))
    query = select(Dataset).where(Dataset.id == dataset_id, *of_theirs, col(Dataset.trashed_at).is_(None))
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    dataset = session.exec(query).first()
    if dataset is None:
        raise DatasetNotFound("There is no such dataset. It may have been deleted.")
    if need is not Need.READ:
        check_need(session, caller, dataset, need)
    return dataset


def check_need(session: Session, caller: Caller, dataset: Dataset, need: Need) -> None:
    """Of a dataset the caller sees. Raises NotAllowed, ReadOnly."""
    check_writes(caller)
    if dataset.owner_id == caller.user_id:
        return
    if need is Need.OWN:
        raise NotAllowed("Only the dataset's owner may do this.")
    changes = select(Dataset.id).where(Dataset.id == dataset.id, changes_dataset(caller))
    if session.exec(changes).first() is None:
        raise NotAllowed("You may look at this dataset and download it. Ask its owner to share it with you as editor.")


def can(session: Session, caller: Caller, dataset: Dataset, need: Need) -> bool:
    """Whether the caller, who sees the dataset, may do what needs `need`: for what a screen offers."""
    try:
        check_need(session, caller, dataset, need)
    except NotAllowed:
        return False
    return True


def levels_of(session: Session, caller: Caller, datasets: Sequence[Dataset]) -> dict[uuid.UUID, AccessLevel]:
    """What each of the datasets, all of which the caller sees, is to them."""
    others = [one.id for one in datasets if one.owner_id != caller.user_id]
    edited: set[uuid.UUID] = set()
    if others:
        grants = select(DatasetGrant.dataset_id).where(col(DatasetGrant.dataset_id).in_(others), to_caller(caller))
        edited = set(session.exec(grants.where(DatasetGrant.level == Level.EDITOR)))
    return {
        one.id: "owner" if one.owner_id == caller.user_id else "editor" if one.id in edited else "reader"
        for one in datasets
    }


def allows(caller: Caller, level: AccessLevel, need: Need) -> bool:
    """Whether a dataset that is this to the caller may be used so: for what a screen offers."""
    if need is Need.READ:
        return True
    return caller.writes and (level == "owner" or (level == "editor" and need is Need.EDIT))


def find_file(session: Session, caller: Caller, file_id: uuid.UUID) -> File:
    """The file in whatever state but deleted or in the trash. Raises FileNotFound."""
    query = (
        select(File)
        .join(Dataset, col(Dataset.id) == col(File.dataset_id))
        .where(File.id == file_id, _there(), sees_dataset(caller), is_meant_for(caller))
    )
    file = session.exec(query).first()
    if file is None:
        raise FileNotFound("There is no such file. It may have been deleted.")
    return file


def find_ready_file(session: Session, caller: Caller, file_id: uuid.UUID) -> File:
    """The file, to be served. Raises FileNotFound, FileNotReady."""
    file = find_file(session, caller, file_id)
    if file.status == FileStatus.FAILED:
        raise FileNotReady(file.failure or FAILED_CHECK)
    if file.status != FileStatus.READY:
        raise FileNotReady("The file is still being uploaded. Try again when the upload has finished.")
    return file


def find_upload(session: Session, caller: Caller, upload_id: uuid.UUID) -> tuple[Upload, File]:
    """An upload of the caller's, or into a dataset of theirs, with its file, under way or completed.

    Raises UploadNotFound, also where the dataset it goes to is no longer theirs to change; ReadOnly.
    """
    query = (
        select(Upload, File)
        .join(File, col(Upload.file_id) == File.id)
        .join(Dataset, col(Dataset.id) == col(File.dataset_id))
        .where(Upload.id == upload_id, _there(), changes_dataset(caller))
        .where(or_(col(Upload.owner_id) == caller.user_id, col(Dataset.owner_id) == caller.user_id))
    )
    found = session.exec(query).first()
    if found is None:
        raise no_such_upload()
    check_writes(caller)
    return found[0], found[1]


def no_such_upload() -> UploadNotFound:
    return UploadNotFound("There is no such upload. It was cancelled, or its file was deleted; start it again.")


def _there() -> ColumnElement[bool]:
    return col(File.status).not_in((FileStatus.TRASHED, FileStatus.DELETED))
