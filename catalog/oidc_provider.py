"""An OpenID provider as this app sees it: where its endpoints are, its keys, and what its word says (OpenID Connect
Core 1.0; Discovery 1.0). Nothing else is ever called than the issuer of the settings and the endpoints it names.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import httpx
import structlog
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import BadSignatureError, InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet

from catalog.errors import NotSignedIn, ProviderUnavailable
from catalog.oidc import groups_in
from settings import Auth

log = structlog.get_logger(__name__)

ALGORITHMS = (
    *("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
    *("ES256", "ES384", "ES512", "Ed25519", "EdDSA"),
)
"""Of signatures that are believed: with a key pair only. `none` is no signature, and with HS… whoever holds the
client's secret, or takes a public key for one, could sign (RFC 8725, 3.1)."""
LEEWAY = 60
"""Seconds that two clocks may differ."""
KNOWN_FOR = 3600.0
"""Seconds after which the provider is asked anew where its endpoints and what its keys are."""
KEYS_AGAIN = 10.0
"""Seconds after which keys are read again for a signature that none of the known ones made: a forged one shall not make
the app call the provider each time."""
TIMEOUT = httpx.Timeout(10.0, connect=5.0)
LONGEST_ANSWER = 2_000_000
"""Bytes of an answer; none of a provider's is nearly as long."""
WELL_KNOWN = "/.well-known/openid-configuration"
ENDPOINTS = ("authorization_endpoint", "token_endpoint", "jwks_uri")

UNUSABLE = "The sign-in provider’s answer cannot be trusted. Try again; if it stays so, tell an admin of this shelf."
AWAY = "The sign-in provider does not answer. Try again in a moment; if it stays so, tell an admin of this shelf."


@dataclass(frozen=True)
class _Known:
    """What the provider said of itself, and when."""

    about: Mapping[str, Any]
    keys: KeySet
    at: float
    keys_at: float


class OidcProvider:
    """The provider of AUTH__OIDC_…. Thread-safe; what it says of itself is kept for an hour.

    Every method raises ProviderUnavailable where it does not answer, or answers what no provider should.
    """

    def __init__(self, auth: Auth) -> None:
        self.auth = auth
        self.issuer = auth.oidc_issuer or ""
        self.client_id = auth.oidc_client_id or ""
        self._lock = threading.Lock()
        self._known: _Known | None = None

    @cached_property
    def _http(self) -> httpx.Client:
        """Made when it is needed, because reading the certificates takes time. It follows no redirect."""
        return httpx.Client(timeout=TIMEOUT, headers={"Accept": "application/json"})

    def close(self) -> None:
        if "_http" in vars(self):
            self._http.close()

    def address_to_send_to(self, *, redirect_uri: str, state: str, nonce: str, challenge: str) -> str:
        """Where a browser goes to sign in (Core, 3.1.2.1; PKCE by RFC 7636, 4.3)."""
        endpoint = str(self._knowledge().about["authorization_endpoint"])
        query = urlencode(
            {
                "response_type": "code",
                "client_id": self.client_id,
                "redirect_uri": redirect_uri,
                "scope": self.auth.oidc_scopes,
                "state": state,
                "nonce": nonce,
                "code_challenge": challenge,
                "code_challenge_method": "S256",
            }
        )
        return f"{endpoint}{'&' if urlsplit(endpoint).query else '?'}{query}"

    def check_answered_by(self, issuer: str | None) -> None:
        """The `iss` of the answer is the provider's own (RFC 9207, 2.4). Raises NotSignedIn."""
        about = self._knowledge().about
        promised = about.get("authorization_response_iss_parameter_supported") is True
        if issuer != about["issuer"] and (issuer is not None or promised):
            log.warning("oidc_refused", reason="the answer is of another issuer")
            raise NotSignedIn(UNUSABLE)

    def claims(self, *, code: str, redirect_uri: str, verifier: str, nonce: str) -> dict[str, Any]:
        """What the provider says of the person whose code this is: the claims of the ID token, checked, and with them
        those of the userinfo endpoint where the token lacks the address or the groups. Raises NotSignedIn."""
        answer = self._exchange(code, redirect_uri, verifier)
        access_token, id_token = answer.get("access_token"), answer.get("id_token")
        if not isinstance(id_token, str):
            raise ProviderUnavailable(f"{UNUSABLE} (There is no ID token; is openid among AUTH__OIDC_SCOPES?)")
        claims = self._checked(id_token, nonce, access_token if isinstance(access_token, str) else None)
        missing = "email" not in claims or not groups_in(claims, self.auth.oidc_groups_claim)
        if missing and isinstance(access_token, str):
            claims = {**self._userinfo(access_token, str(claims["sub"])), **claims}
        return claims

    def _exchange(self, code: str, redirect_uri: str, verifier: str) -> dict[str, Any]:
        """The tokens for a code (Core, 3.1.3)."""
        about, secret = self._knowledge().about, self.auth.oidc_client_secret
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect_uri,
            "code_verifier": verifier,
        }
        basic = None
        if secret is None:
            form["client_id"] = self.client_id
        elif "client_secret_basic" in about.get("token_endpoint_auth_methods_supported", ["client_secret_basic"]):
            # Each form-encoded before they are joined (RFC 6749, 2.3.1).
            basic = httpx.BasicAuth(quote(self.client_id, safe=""), quote(secret.get_secret_value(), safe=""))
        else:
            form |= {"client_id": self.client_id, "client_secret": secret.get_secret_value()}
        request = self._http.build_request("POST", str(about["token_endpoint"]), data=form)
        status, answer = self._ask(request, auth=basic)
        if status == 200:
            return answer
        error = str(answer.get("error"))[:100]
        log.warning("oidc_refused", reason="the provider gives no tokens", status=status, error=error)
        if error == "invalid_grant":
            raise NotSignedIn("The sign-in provider no longer knows of this sign-in. Begin again.")
        raise ProviderUnavailable(
            f"The sign-in provider refuses this shelf ({error}). An admin of it should look at AUTH__OIDC_CLIENT_ID, "
            "AUTH__OIDC_CLIENT_SECRET and the redirect URI."
        )

    def _checked(self, id_token: str, nonce: str, access_token: str | None) -> dict[str, Any]:
        """The claims of an ID token that is the provider's, meant for this client, and of this sign-in (Core, 3.1.3.7).
        Raises NotSignedIn."""
        known = self._knowledge()
        try:
            try:
                token = jwt.decode(id_token, known.keys, algorithms=ALGORITHMS)
            except (BadSignatureError, InvalidKeyIdError):
                # The provider may sign with a new key since.
                fresh = self._with_keys_read_again(known)
                token = jwt.decode(id_token, fresh.keys, algorithms=ALGORITHMS)
            CodeIDToken(
                token.claims,
                token.header,
                options={
                    "iss": {"essential": True, "value": known.about["issuer"]},
                    "aud": {"essential": True, "value": self.client_id},
                    "sub": {"essential": True},
                },
                params={"nonce": nonce, "client_id": self.client_id, "access_token": access_token},
            ).validate(leeway=LEEWAY)
        except (JoseError, ValueError, TypeError, KeyError) as error:
            wrong = f"{type(error).__name__}: {error}"[:200]
            log.warning("oidc_refused", reason="the ID token is not good", error=wrong)
            raise NotSignedIn(UNUSABLE) from error
        return dict(token.claims)

    def _userinfo(self, access_token: str, subject: str) -> dict[str, Any]:
        """Nothing where the provider has no such endpoint, or does not say there who it speaks of (Core, 5.3)."""
        endpoint = self._knowledge().about.get("userinfo_endpoint")
        if not endpoint:
            return {}
        request = self._http.build_request("GET", endpoint, headers={"Authorization": f"Bearer {access_token}"})
        status, answer = self._ask(request)
        if status != 200:
            log.warning("oidc_userinfo", status=status)
            return {}
        if answer.get("sub") != subject:
            # Claims of somebody else: a substituted token (Core, 5.3.2).
            log.warning("oidc_refused", reason="userinfo speaks of another subject")
            raise NotSignedIn(UNUSABLE)
        return answer

    def _knowledge(self) -> _Known:
        with self._lock:
            known = self._known
            if known is None or time.monotonic() - known.at > KNOWN_FOR:
                try:
                    known = self._known = self._discovered()
                except ProviderUnavailable:
                    if known is None:
                        raise
                    log.warning("oidc_discovery_failed", used="what was known")
            return known

    def _discovered(self) -> _Known:
        about = self._document(f"{self.issuer}{WELL_KNOWN}")
        # With a slash at its end or without: that is how people copy it. The tokens' own must be the very same as here.
        if str(about.get("issuer", "")).rstrip("/") != self.issuer:
            raise ProviderUnavailable(
                f"The sign-in provider at {self.issuer} calls itself {str(about.get('issuer'))[:200]}. "
                "An admin of this shelf should set AUTH__OIDC_ISSUER to that."
            )
        for name in (*ENDPOINTS, "userinfo_endpoint"):
            self._check_endpoint(name, about.get(name), optional=name not in ENDPOINTS)
        now = time.monotonic()
        return _Known(about, self._keys(about), now, now)

    def _check_endpoint(self, name: str, url: object, *, optional: bool) -> None:
        if url is None and optional:
            return
        parts = urlsplit(url) if isinstance(url, str) else None
        # Behind TLS everything is; a provider that is spoken to without it was meant to be (AUTH__OIDC_ALLOW_HTTP).
        allowed = ("https",) if self.issuer.startswith("https://") else ("https", "http")
        if parts is None or parts.scheme not in allowed or not parts.hostname or parts.username:
            log.warning("oidc_refused", reason="an endpoint is no address to use", endpoint=name, url=str(url)[:200])
            raise ProviderUnavailable(UNUSABLE)

    def _with_keys_read_again(self, before: _Known) -> _Known:
        with self._lock:
            known, now = self._known or before, time.monotonic()
            if known.keys is before.keys and now - known.keys_at > KEYS_AGAIN:
                known = self._known = _Known(known.about, self._keys(known.about), known.at, now)
            return known

    def _keys(self, about: Mapping[str, Any]) -> KeySet:
        document = self._document(str(about["jwks_uri"]))
        try:
            return KeySet.import_key_set(document)  # type: ignore[arg-type]  # it is looked through there
        except (JoseError, KeyError, TypeError, ValueError) as error:
            raise ProviderUnavailable(UNUSABLE) from error

    def _document(self, url: str) -> dict[str, Any]:
        status, answer = self._ask(self._http.build_request("GET", url))
        if status != 200:
            log.warning("oidc_away", url=url, status=status)
            raise ProviderUnavailable(AWAY)
        return answer

    def _ask(self, request: httpx.Request, *, auth: httpx.BasicAuth | None = None) -> tuple[int, dict[str, Any]]:
        url = str(request.url.copy_with(query=None))
        try:
            answer = self._http.send(request, auth=auth, stream=True)
            try:
                body = b""
                for chunk in answer.iter_bytes():
                    body += chunk
                    if len(body) > LONGEST_ANSWER:
                        raise ProviderUnavailable(UNUSABLE)
            finally:
                answer.close()
            content = httpx.Response(200, content=body).json() if body else {}
        except httpx.HTTPError as error:
            log.warning("oidc_away", url=url, error=f"{type(error).__name__}: {error}"[:200])
            raise ProviderUnavailable(AWAY) from error
        except ValueError:
            content = None
        if not isinstance(content, dict):
            if answer.status_code == 200:
                log.warning("oidc_refused", reason="an answer is no JSON object", url=url)
                raise ProviderUnavailable(UNUSABLE)
            content = {}
        return answer.status_code, content
