"""AUTH__MODE=oidc as a browser goes through it, against a real provider in a process of its own."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from tests.app_server import RunningApp, running_app
from tests.oidc_provider import mock_provider
from tests.shelf_client import problem

ADA = {"sub": "ada", "name": "Ada", "email": "ada@example.org", "email_verified": True, "groups": ["shelf-admins"]}
BO = {"sub": "bo", "name": "Bo", "email": "bo@example.org", "groups": ["team"]}
NORA = {"sub": "nora", "name": "Nora", "email": "nora@example.org", "email_verified": True}


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningApp]:
    folder = tmp_path_factory.mktemp("oidc")
    with mock_provider(folder / "provider.log", ADA, BO, NORA) as issuer:
        env = {
            "AUTH__MODE": "oidc",
            "AUTH__OIDC_ISSUER": issuer,
            "AUTH__OIDC_CLIENT_ID": "datashelf",
            "AUTH__OIDC_CLIENT_SECRET": "a client's secret",
            "AUTH__OIDC_LABEL": "Sign in with Example",
            "AUTH__ADMIN_GROUPS": "shelf-admins",
            "AUTH__EDITOR_GROUPS": "team",
            "AUTH__DEFAULT_ROLE": "refused",
            "RATES__SIGN_IN": "1000",
        }
        with running_app(folder / "data", env) as running:
            yield running


@pytest.fixture
def browser(app: RunningApp) -> Iterator[httpx.Client]:
    """Keeps cookies, follows nothing by itself."""
    with httpx.Client(base_url=app.url, timeout=60, headers={"Accept": "text/html"}) as client:
        yield client


def set_out(browser: httpx.Client, to: str = "/") -> str:
    """The provider's address, to which the app sends the browser."""
    answer = browser.get("/sign-in/oidc", params={"next": to})
    assert answer.status_code == 303, answer.text
    return answer.headers["location"]


def at_provider(address: str, who: str = "ada", *, deny: bool = False) -> str:
    """Signs somebody in there; the address that the browser is sent back to."""
    form = {"action": "deny"} if deny else {"sub": who}
    answer = httpx.post(address, data=form, timeout=60)
    assert answer.status_code == 302, answer.text
    return answer.headers["location"]


def refused(answer: httpx.Response, status: int, said: str) -> None:
    """The sign-in page again, with a sentence, and no session."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"].startswith("text/html")
    assert answer.headers["cache-control"] == "no-store"
    assert said in answer.text
    assert "Sign in with Example" in answer.text
    assert "datashelf_session" not in answer.headers.get("set-cookie", "")


def test_a_deep_link_leads_through_the_provider_and_back_to_where_it_pointed(
    app: RunningApp, browser: httpx.Client
) -> None:
    problem(browser.get(f"{app.api}/datasets"), 401)
    turned_away = browser.get("/dataset?id=5")
    assert turned_away.status_code == 303
    page = browser.get(turned_away.headers["location"])
    assert "Sign in with Example" in page.text
    assert "/sign-in/oidc?next=%2Fdataset%3Fid%3D5" in page.text

    there = set_out(browser, "/dataset?id=5")
    query = parse_qs(urlsplit(there).query)
    assert query["redirect_uri"] == [f"{app.url}/sign-in/callback"]
    assert query["code_challenge_method"] == ["S256"]
    back = browser.get(at_provider(there))
    assert (back.status_code, back.headers["location"]) == (303, "/dataset?id=5")
    cookies = back.headers.get_list("set-cookie")
    session = next(cookie for cookie in cookies if cookie.startswith("datashelf_session="))
    assert all(word in session for word in ("HttpOnly", "SameSite=lax", "Path=/"))
    assert any(cookie.startswith("datashelf_oidc_") and "Max-Age=0" in cookie for cookie in cookies)

    me = browser.get(f"{app.api}/me").json()
    assert (me["name"], me["role"]) == ("Ada", "admin")
    # What was in the addresses could sign somebody in; none of it is written down.
    secrets = [*query["state"], *query["nonce"], *parse_qs(urlsplit(str(back.url)).query)["code"]]
    assert not [secret for secret in secrets if secret in app.log]


def test_coming_back_again_with_the_same_address_is_refused(browser: httpx.Client) -> None:
    address = at_provider(set_out(browser))
    assert browser.get(address).status_code == 303
    browser.cookies.clear()
    refused(browser.get(address), 401, "used already")


def test_an_address_from_another_browser_signs_nobody_in(app: RunningApp, browser: httpx.Client) -> None:
    """Else somebody could be signed in as the attacker, and put their files onto the attacker's shelf."""
    with httpx.Client(base_url=app.url, timeout=60) as attacker:
        address = at_provider(set_out(attacker), "bo")
    set_out(browser)  # has a sign-in of its own under way
    refused(browser.get(address), 401, "another browser")
    problem(browser.get(f"{app.api}/me"), 401)


def test_two_tabs_sign_in_side_by_side(browser: httpx.Client) -> None:
    first, second = set_out(browser, "/upload"), set_out(browser, "/trash")
    assert browser.get(at_provider(second)).headers["location"] == "/trash"
    assert browser.get(at_provider(first)).headers["location"] == "/upload"


def test_what_the_provider_refuses_is_a_sentence(browser: httpx.Client) -> None:
    refused(browser.get(at_provider(set_out(browser), deny=True)), 401, "was cancelled")


@pytest.mark.parametrize("query", ["", "?code=x", "?state=x&code=y", "?error=access_denied&state=", "?state=a&state=b"])
def test_an_answer_nobody_asked_for_is_refused(browser: httpx.Client, query: str) -> None:
    refused(browser.get(f"/sign-in/callback{query}"), 401, "Begin again")


def test_whom_no_group_lets_in_stays_outside(app: RunningApp, browser: httpx.Client) -> None:
    refused(browser.get(at_provider(set_out(browser), "nora")), 401, "nobody has let you in")
    problem(browser.get(f"{app.api}/me"), 401)


@pytest.mark.parametrize("foreign", ["https://evil.example", "//evil.example", "/\\evil.example", "/sign-in/callback"])
def test_the_way_leads_to_no_other_origin_and_round_no_circle(browser: httpx.Client, foreign: str) -> None:
    assert browser.get(at_provider(set_out(browser, foreign))).headers["location"] == "/"


def test_a_session_that_was_planted_ends_at_the_sign_in(app: RunningApp, browser: httpx.Client) -> None:
    browser.get(at_provider(set_out(browser), "bo"))
    planted = browser.cookies["datashelf_session"]
    browser.get(at_provider(set_out(browser), "ada"))
    assert browser.cookies["datashelf_session"] != planted
    old = httpx.get(f"{app.api}/me", cookies={"datashelf_session": planted})
    problem(old, 401)


def test_identity_headers_say_nothing_here(app: RunningApp) -> None:
    problem(httpx.get(f"{app.api}/me", headers={"X-Forwarded-User": "ada", "X-Forwarded-Groups": "shelf-admins"}), 401)
