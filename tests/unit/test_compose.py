"""compose.yaml, .env.example and the Dockerfile, read as they stand: no Docker engine is asked for.

tests/contract/test_compose_environment.py runs what compose promises for real: the same environment, the same parts.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from settings import SECTIONS, Settings
from tests.setting_names import setting_names

ROOT = Path(__file__).resolve().parents[2]
DEAD_IMAGES = ("minio/minio", "quay.io/minio", "bitnami/")
"""No longer published: Docker Hub's minio/minio since September 2026, quay.io's and bitnami's even longer."""
FOR_COMPOSE_ONLY = {"POSTGRES_PASSWORD"}


def compose(name: str = "compose.yaml") -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((ROOT / name).read_text(encoding="utf-8"))
    return loaded


def seconds(text: str) -> int:
    return int(text.removesuffix("s"))


SERVICES = sorted(compose()["services"])


@pytest.mark.parametrize("name", SERVICES)
def test_every_image_is_pinned_and_still_published(name: str) -> None:
    image = compose()["services"][name]["image"]
    tag = image.rpartition(":")[2]
    assert ":" in image, "an image without a tag is whatever was pushed last"
    assert re.search(r"\d+\.\d+|\d{4}-\d\d-\d\d", tag), f"{image} is not pinned to a release"
    assert not image.startswith(DEAD_IMAGES)


@pytest.mark.parametrize("name", SERVICES)
def test_nothing_is_published_beyond_this_machine(name: str) -> None:
    for port in compose()["services"][name].get("ports", []):
        assert str(port).startswith("127.0.0.1:")


def test_the_store_has_the_ports_people_know_and_a_volume_of_its_own() -> None:
    store = compose()["services"]["minio"]
    assert store["ports"] == ["127.0.0.1:9000:9000", "127.0.0.1:9001:9001"]
    assert store["volumes"] == ["minio-data:/data"]
    assert store["command"].startswith("server /data")


@pytest.mark.parametrize("name", SERVICES)
def test_data_lies_in_named_volumes(name: str) -> None:
    for volume in compose()["services"][name]["volumes"]:
        assert volume.partition(":")[0] in compose()["volumes"]


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_says_whether_it_is_well(name: str) -> None:
    check = compose()["services"][name]["healthcheck"]
    assert check["test"][0] in ("CMD", "CMD-SHELL")
    assert seconds(check["timeout"]) <= seconds(check["interval"])


def test_the_app_waits_until_what_it_needs_is_healthy() -> None:
    needs = compose()["services"]["app"]["depends_on"]
    assert {name: need["condition"] for name, need in needs.items()} == {
        "minio": "service_healthy",
        "postgres": "service_healthy",
    }


def test_the_app_is_given_real_settings_only() -> None:
    assert set(compose()["services"]["app"]["environment"]) <= setting_names()


def test_the_app_can_be_told_everything_about_who_comes_and_from_where() -> None:
    """What a proxy or a team needs passes through: an .env beside compose.yaml reaches the app in no other way."""
    passed = compose()["services"]["app"]["environment"]
    for name in setting_names():
        if name.startswith(("AUTH__", "RATES__")) or name in ("TRUSTED_PROXIES", "PUBLIC_URL", "ACTIVITY_DAYS"):
            assert name == "AUTH__ALLOW_OPEN" or f"${{{name}:-" in passed[name], name


def test_app_and_store_agree_on_where_and_who_they_are() -> None:
    services = compose()["services"]
    app, store = services["app"]["environment"], services["minio"]["environment"]
    assert app["STORAGE_BACKEND"] == "minio"
    assert app["MINIO__ENDPOINT"] == "minio:9000"
    assert "http://localhost:9000" in app["MINIO__PUBLIC_ENDPOINT"]
    assert (app["MINIO__ACCESS_KEY"], app["MINIO__SECRET_KEY"]) == (
        store["MINIO_ROOT_USER"],
        store["MINIO_ROOT_PASSWORD"],
    )
    assert "@postgres:5432/" in app["DATABASE_URL"]
    assert "${POSTGRES_PASSWORD" in app["DATABASE_URL"]


def test_no_secret_has_a_default() -> None:
    text = (ROOT / "compose.yaml").read_text(encoding="utf-8")
    secrets = dict(re.findall(r"\$\{(\w*(?:KEY|PASSWORD|SECRET)\w*)(:\?|[^}]*)", text))
    # Without the first two there is no such secret; each of the others must stop the start where it is unset.
    assert {secrets.pop(name) for name in ("AUTH__ADMIN_PASSWORD", "AUTH__OIDC_CLIENT_SECRET")} == {":-"}
    assert secrets == dict.fromkeys(("MINIO__ACCESS_KEY", "MINIO__SECRET_KEY", "SECRET_KEY", "POSTGRES_PASSWORD"), ":?")


def test_what_compose_asks_for_is_in_the_example() -> None:
    asked = set(re.findall(r"\$\{(\w+)", (ROOT / "compose.yaml").read_text(encoding="utf-8")))
    assert asked <= set(example())


def test_the_development_file_only_changes_services_that_exist() -> None:
    assert set(compose("compose.dev.yaml")["services"]) <= set(SERVICES)
    app = compose("compose.dev.yaml")["services"]["app"]
    assert any(volume.startswith(".:") for volume in app["volumes"])
    assert set(app["environment"]) <= setting_names()


def test_the_image_runs_the_app_as_nobody_important_and_says_whether_it_is_well() -> None:
    lines = (ROOT / "deploy" / "Dockerfile").read_text(encoding="utf-8").splitlines()
    bases = [line.split()[1] for line in lines if line.startswith("FROM ")]
    assert all(re.search(r":\d+\.\d+\.\d+-slim", base) for base in bases)
    users = [line.split()[1] for line in lines if line.startswith("USER ")]
    assert users
    assert users[-1] not in ("root", "0")
    assert any(line.startswith("HEALTHCHECK ") for line in lines)
    assert 'CMD ["python", "-m", "streamlit", "run", "app.py"]' in lines


def test_the_image_holds_every_part_of_the_app_and_no_secret() -> None:
    rules = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    kept = {line[1:] for line in rules if line.startswith("!")}
    assert "*" in rules
    assert {"app.py", "services.py", "settings.py", "requirements.txt", ".streamlit"} <= kept
    assert {"api", "catalog", "db", "ops", "pages", "preview", "storage"} <= kept
    assert not kept & {".env", "data", ".git"}


def example() -> dict[str, str]:
    """Every name in .env.example with the value shown."""
    text = (ROOT / ".env.example").read_text(encoding="utf-8")
    return dict(re.findall(r"^#?([A-Z][A-Z0-9_]+)=(.*)$", text, re.MULTILINE))


def test_the_example_lists_every_setting_and_nothing_else() -> None:
    assert set(example()) == setting_names() | FOR_COMPOSE_ONLY


def test_the_example_shows_the_defaults() -> None:
    for name, shown in example().items():
        if name in FOR_COMPOSE_ONLY:
            continue
        head, _, part = name.lower().partition("__")
        field = (SECTIONS[head.upper()].model_fields if part else Settings.model_fields)[part or head]
        default = field.get_default(call_default_factory=True)
        text = default.get_secret_value() if hasattr(default, "get_secret_value") else default
        if isinstance(text, bool):
            expected = str(text).lower()
        elif isinstance(text, tuple):
            expected = ",".join(text)
        else:
            expected = "" if text is None else str(text)
        assert shown.removeprefix("./") == expected.removesuffix(".0"), name


def test_a_copied_example_changes_nothing() -> None:
    lines = (ROOT / ".env.example").read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if line and not line.startswith("#")] == []
