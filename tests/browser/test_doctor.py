"""The Doctor in a real browser: a store that is well, one that refuses it, one behind a proxy, one elsewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from minio import Minio
from playwright.sync_api import Locator, Page, expect

from tests.app_server import RunningApp, running_app, s3_env
from tests.nginx import nginx
from tests.real_parts import free_port
from tests.seaweed import S3Server, seaweed_server

LONG_MS = 60_000
"""A whole round sends 20 MiB and waits three seconds for a link to end."""


def checks(page: Page, app_url: str) -> Locator:
    """The list on the Storage screen, once the browser's round has ended."""
    page.goto(f"{app_url}/storage")
    listed = page.get_by_role("region", name="Checks")
    ended(listed)
    return listed


def ended(listed: Locator) -> None:
    expect(listed.get_by_role("listitem").first).to_be_visible(timeout=LONG_MS)
    expect(listed).not_to_have_attribute("aria-busy", "true", timeout=LONG_MS)


def check(listed: Locator, title: str) -> Locator:
    return listed.get_by_role("listitem").filter(has_text=re.compile(f"^{re.escape(title)}"))


def test_local_disk_that_is_well_says_so(local_app: RunningApp, page: Page) -> None:
    listed = checks(page, local_app.url)
    expect(listed.get_by_text("All is well")).to_be_visible()
    expect(check(listed, "Browser may upload")).to_contain_text("completed the upload")
    expect(check(listed, "Links work")).to_contain_text("GET with the same bytes")


@pytest.mark.s3
def test_a_refused_browser_gets_the_rule_to_paste_and_the_button_sets_it(tmp_path: Path, page: Page) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    with (
        seaweed_server(tmp_path / "weed", origins="http://other.example") as server,
        running_app(tmp_path / "data", s3_env(server, bucket="team-data")) as app,
    ):
        listed = checks(page, app.url)
        expect(listed.get_by_text(re.compile("1 of [0-9]+ checks fails"))).to_be_visible()
        expect(listed.get_by_text("browser uploads go through this server until it is fixed")).to_be_visible()
        refused = listed.get_by_role("listitem").first
        expect(refused).to_contain_text(f"The bucket refuses PUT from {app.url}.")
        block = refused.get_by_label("Block to paste")
        expect(block).to_contain_text("put-bucket-cors --bucket team-data")
        expect(block).to_contain_text(app.url)
        refused.get_by_text("MinIO / Silo").click()
        expect(block).to_have_text(f"MINIO_API_CORS_ALLOW_ORIGIN={app.url}")
        refused.get_by_role("button", name="Copy the block").click()
        assert page.evaluate("navigator.clipboard.readText()") == f"MINIO_API_CORS_ALLOW_ORIGIN={app.url}"

        refused.get_by_role("button", name="Set the rule").click()
        expect(listed.get_by_text("All is well")).to_be_visible(timeout=LONG_MS)
        ended(listed)
        expect(check(listed, "Browser may upload (CORS)")).to_contain_text("read their ETags")
        expect(check(listed, "Links work")).to_contain_text("HEAD, and a range with its Content-Range")
        expect(check(listed, "Expired links are refused")).to_contain_text("one second after the end")
        client = Minio(server.endpoint, server.access_key, server.secret_key, secure=False, region=server.region)
        left = [found.object_name for found in client.list_objects("team-data", "temp/doctor/", recursive=True)]
        assert left == []


@pytest.mark.s3
def test_a_proxys_body_limit_before_the_store_is_found_and_named(
    tmp_path: Path, s3_server: S3Server, page: Page
) -> None:
    with nginx(tmp_path / "nginx", s3_server.endpoint) as front:
        env = {**s3_env(s3_server, bucket="behind-nginx"), "MINIO__PUBLIC_ENDPOINT": f"http://{front}"}
        with running_app(tmp_path / "data", env) as app:
            limited = check(checks(page, app.url), "Large parts pass")
            expect(limited).to_contain_text("64 KiB pass, 2 MiB do not")
            expect(limited).to_contain_text(front)
            expect(limited.get_by_label("Block to paste")).to_contain_text("client_max_body_size 0;")


def test_a_proxys_body_limit_before_the_app_is_found_on_local_disk(
    tmp_path: Path, local_app: RunningApp, page: Page
) -> None:
    with nginx(tmp_path / "nginx", f"127.0.0.1:{local_app.port}") as front:
        at = front.replace("127.0.0.1", "localhost")
        limited = check(checks(page, f"http://{at}"), "Large parts pass")
        expect(limited).to_contain_text("64 KiB pass, 2 MiB do not")
        expect(limited).to_contain_text(f"In the server block that answers for {at}")


@pytest.mark.s3
def test_a_public_address_where_nothing_answers_is_no_matter_of_cors(
    tmp_path: Path, s3_server: S3Server, page: Page
) -> None:
    nowhere = f"127.0.0.1:{free_port()}"
    env = {**s3_env(s3_server, bucket="elsewhere"), "MINIO__PUBLIC_ENDPOINT": f"http://{nowhere}"}
    with running_app(tmp_path / "data", env) as app:
        listed = checks(page, app.url)
        reach = listed.get_by_role("listitem").first
        expect(reach).to_contain_text("Browser reaches the store")
        expect(reach).to_contain_text(f"no answer from {nowhere}")
        expect(reach.get_by_label("Block to paste")).to_contain_text("MINIO__PUBLIC_ENDPOINT=http://localhost:")
        expect(check(listed, "Large parts pass")).to_contain_text("The browser does not reach the store.")


@pytest.mark.s3
def test_the_store_is_tried_again_when_asked(s3_app: RunningApp, page: Page) -> None:
    listed = checks(page, s3_app.url)
    expect(listed.get_by_text("1 warns of")).to_be_visible()
    warning = listed.get_by_role("listitem").first
    expect(warning).to_contain_text("pages may not read Content-Range")
    # What only warns is closed until somebody wants to know.
    expect(warning.get_by_label("Block to paste")).to_be_hidden()
    warning.get_by_role("button", name="Show fix").click()
    expect(warning.get_by_label("Block to paste")).to_be_visible()
    with page.expect_response(re.compile("/doctor/findings")):
        page.get_by_role("button", name="Check again").click()
    ended(listed)
    expect(listed.get_by_text("1 warns of")).to_be_visible()
