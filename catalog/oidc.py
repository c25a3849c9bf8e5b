"""Signing in by an OpenID provider: away with a state, back with a code, and in (authorization code flow with PKCE).

The state works once, for ten minutes, and only in the browser that set out: the browser alone holds the secret that the
PKCE verifier and the nonce are made from (RFC 9700, 2.1.1 and 4.7). The database knows a digest of both.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from catalog.directory import Directory, Vouched
from catalog.errors import CatalogError, Invalid, NotSignedIn
from catalog.events import EventKind, record
from catalog.secrets import digest, new_secret
from catalog.sessions import Sessions
from db import Database
from db.tables import OneTime
from db.utc import utc_now
from settings import Auth

if TYPE_CHECKING:
    from catalog.oidc_provider import OidcProvider

LIFE = timedelta(minutes=10)
PURPOSE = "oidc"
CANCELLED = "The sign-in was cancelled, or the sign-in provider does not let you in here. Begin again, or ask an admin."
LONGEST = 4000
"""Characters of a state or a code that are looked at."""


@dataclass(frozen=True, slots=True)
class SettingOut:
    """Where the browser goes, and what it keeps meanwhile: `secret`, by the name of this sign-in alone."""

    address: str
    key: str
    secret: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What the provider sent the browser back with (RFC 6749, 4.1.2; RFC 9207)."""

    state: str
    code: str | None = None
    error: str | None = None
    issuer: str | None = None

    @property
    def key(self) -> str:
        """By which the browser kept the secret of this sign-in."""
        return _key(self.state)


@dataclass(frozen=True, slots=True)
class CameIn:
    """Signed in: the session's secret for the cookie, and where the person wanted to go."""

    session: str
    to: str


@dataclass(frozen=True)
class OidcSignIn:
    """Every method raises DatabaseUnavailable, ProviderUnavailable, and Invalid where AUTH__MODE is another."""

    database: Database
    sessions: Sessions
    directory: Directory
    auth: Auth
    provider: OidcProvider | None
    """None in the other modes, which need not load what it needs."""

    def set_out(self, *, to: str, redirect_uri: str) -> SettingOut:
        """Begin a sign-in. `to` is where the person wants to go, an address of ours; `redirect_uri` where they come
        back to."""
        provider = self._provider()
        state, secret = new_secret(), new_secret()
        address = provider.address_to_send_to(
            redirect_uri=redirect_uri,
            state=state,
            nonce=_made(secret, "nonce"),
            challenge=_sha256(_made(secret, "verifier")),
        )
        with self.database.transaction() as session:
            session.add(
                OneTime(
                    token_hash=digest(state),
                    purpose=PURPOSE,
                    user_id=None,
                    detail={"browser": digest(secret), "to": to, "redirect_uri": redirect_uri},
                    expires_at=utc_now() + LIFE,
                )
            )
        return SettingOut(address, _key(state), secret)

    def come_back(self, answer: Answer, *, secret: str | None, instead_of: str | None = None) -> CameIn:
        """End it: the state is used up, whatever comes of it. `secret` is what the browser kept; `instead_of` as for
        `Sessions.start`. Raises NotSignedIn."""
        provider = self._provider()
        begun = self._take(answer.state)
        if begun is None and answer.error == "access_denied":
            raise NotSignedIn(CANCELLED)  # some providers forget the state here, with which nothing would come of it
        if begun is None:
            raise NotSignedIn("This sign-in was used already, or it took more than ten minutes. Begin again.")
        if secret is None or not hmac.compare_digest(str(begun["browser"]), digest(secret)):
            raise NotSignedIn("This sign-in was begun in another browser. Begin again in this one.")
        try:
            vouched = self._vouched(provider, answer, secret, str(begun["redirect_uri"]))
            user_id = self.directory.admit(vouched)
            session = self.sessions.start(user_id, by="oidc", instead_of=instead_of)
        except CatalogError as error:
            with self.database.transaction() as transaction:
                record(transaction, EventKind.SIGN_IN_FAILED, detail={"by": "oidc", "reason": str(error)[:300]})
            raise
        return CameIn(session, str(begun["to"]))

    def _vouched(self, provider: OidcProvider, answer: Answer, secret: str, redirect_uri: str) -> Vouched:
        provider.check_answered_by(answer.issuer)
        if answer.error == "access_denied":
            raise NotSignedIn(CANCELLED)
        if answer.error is not None or not answer.code or len(answer.code) > LONGEST:
            said = f" ({answer.error[:60]})" if answer.error and answer.error.isprintable() else ""
            raise NotSignedIn(f"The sign-in provider did not sign you in{said}. Try again, or ask an admin.")
        claims = provider.claims(
            code=answer.code,
            redirect_uri=redirect_uri,
            verifier=_made(secret, "verifier"),
            nonce=_made(secret, "nonce"),
        )
        return vouched_by(claims, issuer=provider.issuer, groups_claim=self.auth.oidc_groups_claim)

    def _take(self, state: str) -> dict[str, Any] | None:
        """What was kept for a state, which is then used up; None where it was, or is too old."""
        if not state or len(state) > LONGEST:
            return None
        with self.database.transaction() as session:
            row = session.get(OneTime, digest(state), with_for_update=True)
            if row is None or row.purpose != PURPOSE:
                return None
            session.delete(row)
            return row.detail if row.expires_at > utc_now() else None

    def _provider(self) -> OidcProvider:
        if self.provider is None:
            raise Invalid(f"AUTH__MODE is {self.auth.mode}: nobody signs in here by a provider.")
        return self.provider

    def close(self) -> None:
        if self.provider is not None:
            self.provider.close()


def vouched_by(claims: dict[str, Any], *, issuer: str, groups_claim: str) -> Vouched:
    """Claims in this app's words. An address is theirs only where the provider says that it verified it."""
    named = next((claims[key] for key in ("name", "preferred_username", "nickname") if claims.get(key)), None)
    email, verified = claims.get("email"), claims.get("email_verified")
    return Vouched(
        subject=f"{issuer} {claims['sub']}",
        name=named if isinstance(named, str) else None,
        email=email if isinstance(email, str) else None,
        # Some providers (AWS Cognito among them) say it as a text.
        email_verified=verified is True or verified == "true",
        groups=groups_in(claims, groups_claim),
    )


def groups_in(claims: Mapping[str, Any], claim: str) -> tuple[str, ...]:
    """The groups of a claim: a list of names, or one name. `realm_access.roles` is a claim within a claim, unless there
    is one of this very name."""
    found: Any = claims.get(claim)
    if found is None and "." in claim:
        found = claims
        for step in claim.split("."):
            found = found.get(step) if isinstance(found, Mapping) else None
    if isinstance(found, str):
        return (found,)
    return tuple(one for one in found if isinstance(one, str)) if isinstance(found, list) else ()


def _key(state: str) -> str:
    return digest(state)[:16]


def _made(secret: str, purpose: str) -> str:
    """43 characters that only the browser's secret gives: as many as RFC 7636, 4.1 asks of a verifier."""
    made = hmac.new(secret.encode(), f"oidc:{purpose}".encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(made).rstrip(b"=").decode()


def _sha256(verifier: str) -> str:
    """The challenge of a verifier by the method S256 (RFC 7636, 4.2)."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode("ascii")).digest()).rstrip(b"=").decode()
