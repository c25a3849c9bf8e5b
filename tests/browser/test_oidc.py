"""Signing in by a provider as a browser does it: across two sites, with the cookies that a browser sends on the way."""

from __future__ import annotations

import re
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.app_server import running_app
from tests.oidc_provider import mock_provider

ADA = {"sub": "ada", "name": "Ada Lovelace", "groups": ["team"]}


def test_a_deep_link_leads_to_the_provider_and_back_and_the_screens_know_who_it_is(page: Page, tmp_path: Path) -> None:
    with mock_provider(tmp_path / "provider.log", ADA) as issuer:
        # Under another name than the app, so that to the browser it is another site (SameSite goes by it).
        issuer = issuer.replace("localhost", "127.0.0.1")
        env = {
            "AUTH__MODE": "oidc",
            "AUTH__OIDC_ISSUER": issuer,
            "AUTH__OIDC_CLIENT_ID": "datashelf",
            "AUTH__OIDC_CLIENT_SECRET": "a client's secret",
            "AUTH__OIDC_LABEL": "Sign in with Example",
            "AUTH__EDITOR_GROUPS": "team",
            "AUTH__DEFAULT_ROLE": "refused",
        }
        with running_app(tmp_path / "data", env) as app:
            page.goto(f"{app.url}/upload")
            expect(page).to_have_url(f"{app.url}/sign-in?next=%2Fupload")
            way_in = page.get_by_role("link", name="Sign in with Example")
            expect(way_in).to_be_focused()
            page.keyboard.press("Enter")
            expect(page).to_have_url(re.compile(f"{re.escape(issuer)}/oauth2/authorize"))
            page.get_by_role("button", name="Deny").click()
            expect(page.get_by_role("alert")).to_contain_text("was cancelled")
            page.get_by_role("link", name="Sign in with Example").click()
            page.get_by_role("button", name="ada", exact=True).click()
            expect(page).to_have_url(f"{app.url}/")  # what was wanted is forgotten with a sign-in that was cancelled
            expect(page.get_by_text("Ada Lovelace")).to_be_visible(timeout=60_000)

            page.goto(f"{app.url}/sign-in?next=%2Fupload")  # already in: on at once
            expect(page).to_have_url(f"{app.url}/upload")
            page.get_by_text("Ada Lovelace").click()
            page.get_by_role("button", name="Sign out").click()
            expect(page.get_by_role("status")).to_have_text("You are signed out.")
            page.goto(f"{app.url}/upload")
            expect(page).to_have_url(f"{app.url}/sign-in?next=%2Fupload")
