"""OpenID providers for the tests: the real one of `oidc-provider-mock`, as a process; and one of our own that checks
PKCE as a strict provider does and can be made to lie."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import httpx
from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey

from tests.real_parts import free_port

START_WITHIN = 60


@contextlib.contextmanager
def mock_provider(log: Path, *people: dict[str, Any]) -> Iterator[str]:
    """oidc-provider-mock with these people (their claims, `sub` among them); its issuer."""
    port = free_port()
    command = [sys.executable, "-m", "oidc_provider_mock", "--port", str(port), "--require-nonce", "true"]
    for person in people:
        command += ["--user-claims", json.dumps(person)]
    issuer = f"http://localhost:{port}"
    with log.open("ab") as out, subprocess.Popen(command, stdout=out, stderr=out, stdin=subprocess.DEVNULL) as process:
        try:
            deadline = time.monotonic() + START_WITHIN
            while True:
                with contextlib.suppress(httpx.HTTPError):
                    if httpx.get(f"{issuer}/jwks", timeout=5).status_code == 200:
                        break
                assert process.poll() is None, log.read_text()
                assert time.monotonic() < deadline, log.read_text()
                time.sleep(0.05)
            yield issuer
        finally:
            process.terminate()


@dataclass
class Lies:
    """What the provider does wrong; nothing of it by default."""

    claims: dict[str, Any] = field(default_factory=dict)
    """Over the right ones of the ID token; None leaves one out."""
    userinfo: dict[str, Any] | None = None
    signs: str = "RS256"
    """Or `none`, `HS256` with the client's secret, `HS256-public` with the public key as the secret, `other-key`."""
    about: dict[str, Any] = field(default_factory=dict)
    """Over what it says of itself."""
    token_answer: tuple[int, bytes] | None = None


@dataclass
class OwnProvider:
    """A provider in this process. `hand_out` gives a code for an address that the app sent a browser to."""

    issuer: str
    secret: str = "the client's own secret"
    lies: Lies = field(default_factory=Lies)
    person: dict[str, Any] = field(default_factory=lambda: {"sub": "1"})
    key: RSAKey = field(default_factory=lambda: RSAKey.generate_key(2048, {"kid": "first", "use": "sig"}))
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    """Every path that was called, in order."""
    authorizations: list[str | None] = field(default_factory=list)
    """The header Authorization of each call for tokens."""

    def rotate(self, kid: str = "second") -> None:
        self.key = RSAKey.generate_key(2048, {"kid": kid, "use": "sig"})

    def hand_out(self, address: str) -> str:
        query = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
        code = f"code-{len(self.codes)}"
        self.codes[code] = query
        return code

    def about(self) -> dict[str, Any]:
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "userinfo_endpoint": f"{self.issuer}/userinfo",
            "jwks_uri": f"{self.issuer}/jwks",
            **self.lies.about,
        }

    def tokens(self, form: dict[str, str]) -> tuple[int, dict[str, Any]]:
        query = self.codes.pop(form.get("code", ""), None)
        if query is None:
            return 400, {"error": "invalid_grant"}
        verifier = form.get("code_verifier", "")
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        right = (
            re.fullmatch(r"[A-Za-z0-9._~-]{43,128}", verifier)
            and query["code_challenge_method"] == "S256"
            and challenge == query["code_challenge"]
            and form["redirect_uri"] == query["redirect_uri"]
        )
        if not right:
            return 400, {"error": "invalid_grant"}
        return 200, {"access_token": "the-access-token", "token_type": "Bearer", "id_token": self.id_token(query)}

    def id_token(self, query: dict[str, str]) -> str:
        now = int(time.time())
        claims = {
            "iss": self.issuer,
            "aud": query["client_id"],
            "iat": now,
            "exp": now + 300,
            "nonce": query["nonce"],
            **self.person,
            **self.lies.claims,
        }
        claims = {name: value for name, value in claims.items() if value is not None}
        match self.lies.signs:
            case "none":
                header = base64.urlsafe_b64encode(b'{"alg":"none","typ":"JWT"}').rstrip(b"=").decode()
                body = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()
                return f"{header}.{body}."
            case "HS256":
                key = OctKey.import_key(self.secret)
                return jwt.encode({"alg": "HS256", "kid": "first"}, claims, key, algorithms=["HS256"])
            case "HS256-public":
                # Put together by hand: no library signs with a public key (RFC 8725, 2.1).
                return self._hmac_with_public_key(claims)
            case "other-key":
                other = RSAKey.generate_key(2048, {"kid": self.key.kid or ""})
                return jwt.encode({"alg": "RS256", "kid": self.key.kid}, claims, other)
            case algorithm:
                return jwt.encode({"alg": algorithm, "kid": self.key.kid}, claims, self.key, algorithms=[algorithm])

    def _hmac_with_public_key(self, claims: dict[str, Any]) -> str:
        import hmac

        def part(data: bytes) -> str:
            return base64.urlsafe_b64encode(data).rstrip(b"=").decode()

        head = json.dumps({"alg": "HS256", "kid": self.key.kid}).encode()
        signed = f"{part(head)}.{part(json.dumps(claims).encode())}"
        made = hmac.new(self.key.as_pem(private=False), signed.encode(), hashlib.sha256).digest()
        return f"{signed}.{part(made)}"


@contextlib.contextmanager
def own_provider() -> Iterator[OwnProvider]:
    """One that answers until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            provider.asked.append(self.path)
            match self.path:
                case "/.well-known/openid-configuration":
                    self._answer(200, provider.about())
                case "/jwks":
                    self._answer(200, {"keys": [provider.key.as_dict(private=False)]})
                case "/userinfo":
                    known = self.headers["Authorization"] == "Bearer the-access-token"
                    found = {**provider.person, **(provider.lies.userinfo or {})}
                    self._answer(200 if known else 401, found if known else {})
                case _:
                    self._answer(404, {})

        def do_POST(self) -> None:
            provider.asked.append(self.path)
            provider.authorizations.append(self.headers["Authorization"])
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            if provider.lies.token_answer is not None:
                status, content = provider.lies.token_answer
                self._send(status, content)
                return
            self._answer(*provider.tokens({name: values[0] for name, values in parse_qs(body).items()}))

        def _answer(self, status: int, content: dict[str, Any]) -> None:
            self._send(status, json.dumps(content).encode())

        def _send(self, status: int, content: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    provider = OwnProvider(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        server.server_close()


def basic_credentials(header: str) -> tuple[str, str]:
    """Client and secret of a header Authorization, decoded as RFC 6749, 2.3.1 says."""
    client, _, secret = base64.b64decode(header.removeprefix("Basic ")).decode().partition(":")
    return unquote(client), unquote(secret)
