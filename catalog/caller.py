"""Who is asking."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from db.tables import Role


@dataclass(frozen=True, slots=True)
class Caller:
    """A user on whose behalf the catalogue acts; made by `Identity`, handed to every service call.

    With an id and a name only it is the app itself, doing for an owner what it does for every owner.
    """

    user_id: uuid.UUID
    name: str
    role: Role = Role.EDITOR
    groups: frozenset[uuid.UUID] = frozenset()
    may_write: bool = True
    """False with a token that only reads. What a viewer may do is said by `role`."""
    alone: bool = False
    """The one user of mode `none`: there is nobody to share with."""
    session_id: uuid.UUID | None = None
    """The signed-in browser session the call came by; None for a token, a proxy's word and mode `none`."""
    token_id: uuid.UUID | None = None
    link_id: uuid.UUID | None = None
    """The share link somebody came by: of all that is on the shelf they see the copy that was made for it, no more."""

    @property
    def writes(self) -> bool:
        """Whether they change anything at all; what they may change the dataset says."""
        return self.may_write and (self.alone or self.role is not Role.VIEWER)

    @property
    def runs_shelf(self) -> bool:
        """Whether they are an admin among other people, who looks after what everybody has."""
        return self.is_admin and not self.alone

    @property
    def is_admin(self) -> bool:
        return self.role is Role.ADMIN
