"""The OpenID flow against a provider that is strict, and against one that lies in each way that matters."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from pydantic import SecretStr
from sqlalchemy import update
from sqlmodel import select

from catalog.directory import Directory
from catalog.errors import CatalogError, Invalid, NotSignedIn, ProviderUnavailable
from catalog.events import EventKind
from catalog.identity import Identity, Presented
from catalog.oidc import Answer, CameIn, OidcSignIn, SettingOut, groups_in, vouched_by
from catalog.oidc_provider import OidcProvider
from catalog.sessions import Sessions
from db import Database
from db.tables import Event, OneTime, UserSession
from db.utc import utc_now
from settings import Auth
from tests.oidc_provider import Lies, OwnProvider, basic_credentials, own_provider

CLIENT = "shelf: one & only"
BACK = "https://shelf.example.org/sign-in/callback"
VERIFIER = "v" * 43
CHALLENGE = "7w_YNF9DSfIdPf_pRjSq646_kPr-2-o9NAl16JGghdM"


@pytest.fixture(scope="module")
def running() -> Iterator[OwnProvider]:
    with own_provider() as provider:
        yield provider


@pytest.fixture
def idp(running: OwnProvider) -> OwnProvider:
    """An honest one, with one person."""
    running.lies = Lies()
    running.person = {"sub": "1", "name": "Ada", "email": "ada@example.org", "email_verified": True, "groups": ["team"]}
    running.codes, running.asked, running.authorizations = {}, [], []
    return running


def auth_for(idp: OwnProvider, **more: Any) -> Auth:
    client = {"oidc_client_id": CLIENT, "oidc_client_secret": SecretStr(idp.secret)}
    return Auth(mode="oidc", oidc_issuer=idp.issuer, **{**client, **more})


def sign_in_by(idp: OwnProvider, database: Database, **more: Any) -> OidcSignIn:
    auth = auth_for(idp, **more)
    return OidcSignIn(database, Sessions(database, auth), Directory(database, auth), auth, OidcProvider(auth))


def begin(sign_in: OidcSignIn, to: str = "/dataset?id=5") -> tuple[SettingOut, str]:
    began = sign_in.set_out(to=to, redirect_uri=BACK)
    return began, parse_qs(urlsplit(began.address).query)["state"][0]


def come_in(sign_in: OidcSignIn, idp: OwnProvider) -> CameIn:
    began, state = begin(sign_in)
    return sign_in.come_back(Answer(state, idp.hand_out(began.address)), secret=began.secret)


def claims_of(idp: OwnProvider, **more: Any) -> dict[str, Any]:
    """The claims the app believes, without a database."""
    provider = OidcProvider(auth_for(idp, **more))
    address = provider.address_to_send_to(redirect_uri=BACK, state="s", nonce="n", challenge=CHALLENGE)
    return provider.claims(code=idp.hand_out(address), redirect_uri=BACK, verifier=VERIFIER, nonce="n")


def test_away_and_back_is_a_session(idp: OwnProvider, database: Database) -> None:
    sign_in = sign_in_by(idp, database)
    began, state = begin(sign_in)
    query = parse_qs(urlsplit(began.address).query)
    assert began.address.startswith(f"{idp.issuer}/authorize?")
    assert query["response_type"] == ["code"]
    assert query["code_challenge_method"] == ["S256"]
    assert (query["redirect_uri"], query["scope"]) == ([BACK], ["openid profile email"])
    came = sign_in.come_back(Answer(state, idp.hand_out(began.address)), secret=began.secret)
    assert came.to == "/dataset?id=5"
    caller = Identity(database, sign_in.auth).caller(Presented(session=came.session))
    assert (caller.name, len(caller.groups)) == ("Ada", 1)
    assert basic_credentials(idp.authorizations[0] or "") == (CLIENT, idp.secret)
    again = come_in(sign_in, idp)
    assert Identity(database, sign_in.auth).caller(Presented(session=again.session)).user_id == caller.user_id


def test_a_state_works_once_however_many_come_with_it(idp: OwnProvider, database: Database) -> None:
    sign_in = sign_in_by(idp, database)
    began, state = begin(sign_in)
    codes = [idp.hand_out(began.address) for _ in range(4)]

    def come(code: str) -> bool:
        try:
            sign_in.come_back(Answer(state, code), secret=began.secret)
        except NotSignedIn:
            return False
        return True

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(come, codes)) == 1
    with pytest.raises(NotSignedIn, match="used already"):
        sign_in.come_back(Answer(state, codes[0]), secret=began.secret)


def test_another_browser_cannot_end_what_this_one_began(idp: OwnProvider, database: Database) -> None:
    """Neither without the secret nor with that of a sign-in of its own: the code of one person signs no other in."""
    sign_in = sign_in_by(idp, database)
    mine, _ = begin(sign_in)
    for secret in (None, "", mine.secret):
        theirs, state = begin(sign_in)
        code = idp.hand_out(theirs.address)
        with pytest.raises(NotSignedIn, match="another browser"):
            sign_in.come_back(Answer(state, code), secret=secret)
        with pytest.raises(NotSignedIn, match="used already"):
            sign_in.come_back(Answer(state, code), secret=theirs.secret)
    with database.session() as session:
        assert session.exec(select(UserSession)).first() is None


def test_a_code_of_another_sign_in_is_no_use(idp: OwnProvider, database: Database) -> None:
    # Injected into a sign-in of this browser: PKCE ends it at the provider, the nonce here.
    sign_in = sign_in_by(idp, database)
    stolen = idp.hand_out(begin(sign_in)[0].address)
    mine, state = begin(sign_in)
    with pytest.raises(NotSignedIn, match="no longer knows"):
        sign_in.come_back(Answer(state, stolen), secret=mine.secret)


def test_a_state_is_good_for_ten_minutes_and_none_is_guessed(idp: OwnProvider, database: Database) -> None:
    sign_in = sign_in_by(idp, database)
    began, state = begin(sign_in)
    with database.transaction() as session:
        session.execute(update(OneTime).values(expires_at=utc_now() - timedelta(seconds=1)))
    for tried in (state, "", "x", "x" * 5000):
        with pytest.raises(NotSignedIn, match="ten minutes"):
            sign_in.come_back(Answer(tried, idp.hand_out(began.address)), secret=began.secret)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ({"error": "access_denied"}, "cancelled"),
        ({"error": "login_required"}, r"\(login_required\)"),
        ({"error": "<script>\n"}, "did not sign you in"),
        ({}, "did not sign you in"),
        ({"code": "x", "issuer": "https://elsewhere.example.org"}, "cannot be trusted"),
        ({"code": "unheard-of"}, "no longer knows"),
    ],
)
def test_what_comes_back_without_a_good_code_is_a_sentence(
    answer: dict[str, str], said: str, idp: OwnProvider, database: Database
) -> None:
    sign_in = sign_in_by(idp, database)
    began, state = begin(sign_in)
    with pytest.raises(NotSignedIn, match=said):
        sign_in.come_back(Answer(state, **answer), secret=began.secret)
    with database.session() as session:
        assert session.exec(select(Event.kind)).all() == [EventKind.SIGN_IN_FAILED]


def test_the_database_holds_nothing_that_signs_in(idp: OwnProvider, database: Database) -> None:
    sign_in = sign_in_by(idp, database)
    began, state = begin(sign_in)
    with database.session() as session:
        row = session.exec(select(OneTime)).one()
    kept = f"{row.token_hash} {row.detail}"
    query = parse_qs(urlsplit(began.address).query)
    assert all(secret not in kept for secret in (began.secret, state, query["nonce"][0]))


LIES: list[tuple[str, Lies]] = [
    ("another nonce", Lies(claims={"nonce": "replayed"})),
    ("no nonce", Lies(claims={"nonce": None})),
    ("another audience", Lies(claims={"aud": "another client"})),
    ("no audience", Lies(claims={"aud": None})),
    ("two audiences and no word which", Lies(claims={"aud": [CLIENT, "another client"]})),
    ("meant for another party", Lies(claims={"aud": [CLIENT, "other"], "azp": "other"})),
    ("another issuer", Lies(claims={"iss": "https://elsewhere.example.org"})),
    ("no issuer", Lies(claims={"iss": None})),
    ("expired", Lies(claims={"exp": int(time.time()) - 3600})),
    ("no expiry", Lies(claims={"exp": None})),
    ("an expiry that is no number", Lies(claims={"exp": "tomorrow"})),
    ("not valid yet", Lies(claims={"nbf": int(time.time()) + 3600})),
    ("nobody", Lies(claims={"sub": None})),
    ("an empty subject", Lies(claims={"sub": ""})),
    ("another access token", Lies(claims={"at_hash": "AAAAAAAAAAAAAAAAAAAAAA"})),
    ("not signed", Lies(signs="none")),
    ("signed with the client's secret", Lies(signs="HS256")),
    ("signed with the public key", Lies(signs="HS256-public")),
    ("signed by somebody else", Lies(signs="other-key")),
]


@pytest.mark.parametrize("lies", [lies for _, lies in LIES], ids=[name for name, _ in LIES])
def test_an_id_token_that_is_not_good_in_every_way_is_refused(lies: Lies, idp: OwnProvider) -> None:
    idp.lies = lies
    with pytest.raises(NotSignedIn, match="cannot be trusted"):
        claims_of(idp)


@pytest.mark.parametrize("algorithm", ["RS512", "PS256"])
def test_a_good_one_is_believed(algorithm: str, idp: OwnProvider) -> None:
    idp.lies = Lies(signs=algorithm, claims={"aud": [CLIENT, "other"], "azp": CLIENT})
    assert claims_of(idp)["sub"] == "1"


def test_an_issuer_with_a_slash_at_its_end_is_the_same(idp: OwnProvider) -> None:
    # As Authentik and Auth0 write it. The token must say it as the provider does.
    idp.lies = Lies(about={"issuer": f"{idp.issuer}/"}, claims={"iss": f"{idp.issuer}/"})
    assert claims_of(idp)["sub"] == "1"
    idp.lies = Lies(about={"issuer": f"{idp.issuer}/"})
    with pytest.raises(NotSignedIn):
        claims_of(idp)


def test_keys_may_change(idp: OwnProvider, monkeypatch: pytest.MonkeyPatch) -> None:
    provider = OidcProvider(auth_for(idp))

    def claims() -> dict[str, Any]:
        address = provider.address_to_send_to(redirect_uri=BACK, state="s", nonce="n", challenge=CHALLENGE)
        return provider.claims(code=idp.hand_out(address), redirect_uri=BACK, verifier=VERIFIER, nonce="n")

    assert claims()["sub"] == "1"
    idp.rotate()
    with pytest.raises(NotSignedIn):  # read a moment ago: a forged signature must not make the app ask each time
        claims()
    assert idp.asked.count("/jwks") == 1
    monkeypatch.setattr("catalog.oidc_provider.KEYS_AGAIN", 0.0)
    assert claims()["sub"] == "1"
    assert idp.asked.count("/jwks") == 2
    assert idp.asked.count("/.well-known/openid-configuration") == 1


def test_what_the_token_lacks_is_asked_for(idp: OwnProvider) -> None:
    idp.lies = Lies(claims={"groups": None, "email": None})
    assert claims_of(idp)["groups"] == ["team"]
    idp.lies = Lies(claims={"groups": None}, userinfo={"sub": "2", "groups": ["admins"]})
    with pytest.raises(NotSignedIn, match="cannot be trusted"):  # a token of somebody else's (Core, 5.3.2)
        claims_of(idp)
    idp.lies = Lies(claims={"groups": None}, about={"userinfo_endpoint": None})
    assert "groups" not in claims_of(idp)


def test_a_client_without_a_secret_names_itself_in_the_form(idp: OwnProvider) -> None:
    assert claims_of(idp, oidc_client_secret=None)["sub"] == "1"
    idp.lies = Lies(about={"token_endpoint_auth_methods_supported": ["client_secret_post"]})
    assert claims_of(idp)["sub"] == "1"
    assert idp.authorizations == [None, None]


UNUSABLE: list[tuple[dict[str, Any], str]] = [
    ({"issuer": "https://elsewhere.example.org"}, "calls itself https://elsewhere"),
    ({"token_endpoint": None}, "cannot be trusted"),
    ({"token_endpoint": "file:///etc/passwd"}, "cannot be trusted"),
    ({"jwks_uri": "/jwks"}, "cannot be trusted"),
    ({"userinfo_endpoint": "https://user:pw@elsewhere.example.org"}, "cannot be trusted"),
    ({"jwks_uri": "http://127.0.0.1:9/jwks"}, "does not answer"),
]


@pytest.mark.parametrize(("about", "said"), UNUSABLE)
def test_a_provider_that_describes_itself_badly_is_named(about: dict[str, Any], said: str, idp: OwnProvider) -> None:
    idp.lies = Lies(about=about)
    with pytest.raises(ProviderUnavailable, match=said):
        claims_of(idp)


def test_behind_tls_no_endpoint_lies_before_it(idp: OwnProvider) -> None:
    provider = OidcProvider(Auth(oidc_issuer="https://login.example.org", oidc_client_id="x"))
    with pytest.raises(ProviderUnavailable):
        provider._check_endpoint("token_endpoint", "http://login.example.org/token", optional=False)


@pytest.mark.parametrize(
    ("answer", "said", "kind"),
    [
        ((401, b'{"error": "invalid_client"}'), "AUTH__OIDC_CLIENT_ID", ProviderUnavailable),
        ((502, b"<html>"), "refuses this shelf", ProviderUnavailable),
        ((200, b"[]"), "cannot be trusted", ProviderUnavailable),
        ((200, b'{"access_token": "x"}'), "no ID token", ProviderUnavailable),
        ((200, b" " * 2_000_001), "cannot be trusted", ProviderUnavailable),
        ((302, b""), "refuses", ProviderUnavailable),
        ((200, b'{"id_token": "a.b.c"}'), "cannot be trusted", NotSignedIn),
        ((200, b'{"id_token": ""}'), "cannot be trusted", NotSignedIn),
    ],
)
def test_an_answer_of_the_token_endpoint_that_is_none(
    answer: tuple[int, bytes], said: str, kind: type[CatalogError], idp: OwnProvider
) -> None:
    idp.lies = Lies(token_answer=answer)
    with pytest.raises(kind, match=said):
        claims_of(idp)


def test_a_provider_that_is_away_is_a_sentence_and_what_was_known_is_used(
    idp: OwnProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    away = OidcProvider(Auth(mode="oidc", oidc_issuer="http://127.0.0.1:9", oidc_client_id="x"))
    with pytest.raises(ProviderUnavailable, match="does not answer"):
        away.address_to_send_to(redirect_uri=BACK, state="s", nonce="n", challenge=CHALLENGE)
    known = OidcProvider(auth_for(idp))
    first = known.address_to_send_to(redirect_uri=BACK, state="s", nonce="n", challenge=CHALLENGE)
    monkeypatch.setattr("catalog.oidc_provider.KNOWN_FOR", 0.0)
    idp.lies = Lies(about={"issuer": "gone"})
    assert known.address_to_send_to(redirect_uri=BACK, state="s", nonce="n", challenge=CHALLENGE) == first


def test_in_another_mode_there_is_no_such_way_in(database: Database) -> None:
    auth = Auth(mode="password")
    sign_in = OidcSignIn(database, Sessions(database, auth), Directory(database, auth), auth, None)
    with pytest.raises(Invalid):
        sign_in.set_out(to="/", redirect_uri=BACK)
    with pytest.raises(Invalid):
        sign_in.come_back(Answer("x"), secret="x")


def test_claims_in_the_shelfs_words() -> None:
    def word(**claims: object) -> tuple[object, ...]:
        found = vouched_by({"sub": "1", **claims}, issuer="https://idp", groups_claim="groups")
        return found.subject, found.name, found.own_email, found.groups

    assert word() == ("https://idp 1", None, None, ())
    assert word(preferred_username="ada", email="A@b.org", email_verified=True)[1:3] == ("ada", "a@b.org")
    assert word(email="a@b.org", email_verified="true")[2] == "a@b.org"
    for unverified in (None, False, "false", "yes", 1, []):
        assert word(email="a@b.org", email_verified=unverified)[2] is None
    assert word(name=["x"], email=5, groups=["a", 7, {"b": 1}])[1:] == (None, None, ("a",))
    assert groups_in({"groups": "one"}, "groups") == ("one",)
    assert groups_in({"realm_access": {"roles": ["a", "b"]}}, "realm_access.roles") == ("a", "b")
    assert groups_in({"https://x.org/groups": ["a"]}, "https://x.org/groups") == ("a",)
    assert groups_in({"realm_access": "x"}, "realm_access.roles") == ()
