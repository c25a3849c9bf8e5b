"""Settings: what an environment is read as, and the one sentence a wrong one is answered with."""

from __future__ import annotations

from pathlib import Path

import pytest

from settings import SettingsError, is_loopback, load
from tests.setting_names import setting_names

BAD_VALUES = [
    ("STORAGE_BACKEND", "s3", ["local", "minio"]),
    ("STORAGE_FALLBACK", "maybe", ["local", "fail"]),
    ("MINIO__ENDPOINT", "http://minio:9000", ["host:port", "minio:9000"]),
    ("MINIO__ENDPOINT", "minio:nine", ["port", "0 to 65535"]),
    ("MINIO__ENDPOINT", "minio:9000/bucket", ["without a scheme or a path"]),
    ("MINIO__PUBLIC_ENDPOINT", "localhost:9000", ["http://", "https://"]),
    ("MINIO__PUBLIC_ENDPOINT", "http://user:pw@host", ["credentials"]),
    ("MINIO__PUBLIC_ENDPOINT", "http://host:99999", ["port"]),
    ("MINIO__ACCESS_KEY", " ", ["empty"]),
    ("MINIO__REGION", " ", ["empty"]),
    ("MINIO__SECURE", "perhaps", ["boolean"]),
    ("MINIO__BUCKET", "Big_Bucket", ["lower-case"]),
    ("MINIO__BUCKET", "ab", ["3 to 63"]),
    ("MINIO__BUCKET_DATASETS", "-x-", ["lower-case"]),
    ("MINIO__BUCKET_MODELS", "A", ["lower-case"]),
    ("MINIO__BUCKET_TEMP", "x" * 64, ["3 to 63"]),
    ("MINIO__RETRY_ATTEMPTS", "0", ["greater than or equal to 1"]),
    ("MINIO__RETRY_ATTEMPTS", "often", ["integer"]),
    ("MINIO__RETRY_BACKOFF", "-1", ["greater than or equal to 0"]),
    ("MINIO__PRESIGN_EXPIRY", "86401", ["less than or equal to 86400"]),
    ("MINIO__PRESIGN_EXPIRY", "0", ["greater than or equal to 1"]),
    ("AUTH__MODE", "open", ["none"]),
    ("AUTH__ALLOW_OPEN", "sure", ["boolean"]),
    ("AUTH__ADMIN_EMAIL", "admin", ["e-mail address", "admin@example.org"]),
    ("AUTH__ADMIN_PASSWORD", "hunter2", ["at least 10 characters"]),
    ("AUTH__SESSION_HOURS", "0", ["greater than or equal to 1"]),
    ("AUTH__IDLE_HOURS", "8761", ["less than or equal to 8760"]),
    ("AUTH__DEFAULT_ROLE", "admin", ["viewer", "editor", "refused"]),
    ("AUTH__OIDC_ISSUER", "login.example.org", ["https://login.example.org/realms/team"]),
    ("AUTH__OIDC_ISSUER", "https://login.example.org/?realm=team", ["query"]),
    ("AUTH__OIDC_ISSUER", "http://login.example.org", ["https://", "AUTH__OIDC_ALLOW_HTTP=true"]),
    ("AUTH__OIDC_CLIENT_ID", " ", ["empty"]),
    ("AUTH__OIDC_ALLOW_HTTP", "sure", ["boolean"]),
    ("AUTH__OIDC_SCOPES", "profile email", ["openid"]),
    ("AUTH__OIDC_GROUPS_CLAIM", " ", ["empty"]),
    ("AUTH__OIDC_LABEL", " ", ["empty"]),
    ("AUTH__HEADER_USER", "X_Forwarded_User", ["header", "without underscores"]),
    ("AUTH__HEADER_USER", "X-Forwarded-Email", ["AUTH__HEADER_USER", "different"]),
    ("AUTH__HEADER_EMAIL", "X Forwarded Email", ["header"]),
    ("AUTH__HEADER_NAME", "Cookie", ["nothing else"]),
    ("AUTH__HEADER_GROUPS", "X-Forwarded-Groups:", ["header"]),
    ("AUTH__TRUSTED_PROXIES", "10.0.0.0/33", ["addresses or networks", "10.0.0.0/33"]),
    ("AUTH__TRUSTED_PROXIES", "*", ["addresses or networks"]),
    ("RATES__API", "-1", ["greater than or equal to 0"]),
    ("RATES__SIGN_IN", "often", ["integer"]),
    ("RATES__LINK", "100001", ["less than or equal to 100000"]),
    ("TRUSTED_PROXIES", "127.0.0.1,nginx", ["addresses or networks", "nginx"]),
    ("ACTIVITY_DAYS", "-1", ["greater than or equal to 0"]),
    ("PREVIEW__WORKERS", "0", ["greater than or equal to 1"]),
    ("PREVIEW__TIMEOUT", "0", ["greater than 0"]),
    ("PREVIEW__MEMORY", "12", ["greater than or equal to 128"]),
    ("PREVIEW__ENGINE_WORKERS", "0", ["greater than or equal to 1"]),
    ("PREVIEW__ENGINE_MEMORY", "12", ["greater than or equal to 256"]),
    ("PREVIEW__QUERY_TIMEOUT", "0", ["greater than 0"]),
    ("PREVIEW__COPIES", "-1", ["greater than or equal to 0"]),
    ("PREVIEW__EXPORT", "0", ["greater than or equal to 1"]),
    ("UPLOAD__VIA", "pigeon", ["direct", "app", "auto"]),
    ("DOWNLOAD__VIA", "auto", ["direct", "app"]),
    ("TRASH_DAYS", "-1", ["greater than or equal to 0"]),
    ("SCRUB_DAYS", "often", ["integer"]),
    ("LIFECYCLE__TEMP_DAYS", "0", ["greater than or equal to 1"]),
    ("LIFECYCLE__UPLOAD_DAYS", "366", ["less than or equal to 365"]),
    ("LIFECYCLE__VERSIONS", "-1", ["greater than or equal to 0"]),
    ("LIFECYCLE__UNTOUCHED", "maybe", ["boolean"]),
    ("LIFECYCLE__UNTOUCHED_DAYS", "0", ["greater than or equal to 1"]),
    ("LIFECYCLE__ROLES", "temp", ["datasets", "models"]),
    ("BACKUP__ENDPOINT", "https://store", ["host:port"]),
    ("BACKUP__SECURE", "maybe", ["boolean"]),
    ("DATABASE_URL", "mysql://db/x", ["postgresql://", "sqlite:///"]),
    ("PUBLIC_URL", "shelf.example.org", ["https://shelf.example.org"]),
    ("PUBLIC_URL", "https://shelf.example.org/?x=1", ["query"]),
    ("SECRET_KEY", "short", ["32 characters"]),
    ("LOG_LEVEL", "loud", ["debug", "info"]),
    ("LOG_FORMAT", "xml", ["text", "json"]),
]
UNKNOWN_NAMES = [
    ("MINIO__ENDPONT", "MINIO__ENDPOINT"),
    ("AUTH__MODUS", "AUTH__MODE"),
    ("AUTH__OIDC_SECRET", "AUTH__OIDC_CLIENT_SECRET"),
    ("AUTH_TRUSTED_PROXIES", "AUTH__TRUSTED_PROXIES"),
    ("RATES__UPLOAD", "RATES__API"),
    ("PREVIEW__WORKER", "PREVIEW__WORKERS"),
    ("UPLOAD__WAY", "UPLOAD__VIA"),
    ("LIFECYCLE__DAYS", "LIFECYCLE__UNTOUCHED_DAYS"),
    ("MINIO_ENDPOINT", "MINIO__ENDPOINT"),
    ("AUTH_MODE", "AUTH__MODE"),
]


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No setting in the environment and no .env in the working folder."""
    for name in setting_names():
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)


def test_nothing_set_gives_the_documented_defaults() -> None:
    values = load()
    assert (values.storage_backend, values.storage_fallback, values.auth.mode) == ("local", "local", "none")
    minio = values.minio
    assert (minio.endpoint, minio.access_key, minio.secret_key.get_secret_value()) == (
        "minio:9000",
        "minioadmin",
        "minioadmin",
    )
    assert (minio.bucket, minio.region, minio.secure) == ("mlops-files", "us-east-1", False)
    assert (minio.public_endpoint, minio.retry_attempts, minio.retry_backoff) == ("http://localhost:9000", 3, 0.5)
    assert (minio.presign_expiry, values.data_dir) == (3600, Path("data"))


@pytest.mark.parametrize(
    ("name", "value", "said"), BAD_VALUES, ids=[f"{name}={value[:20]}" for name, value, _ in BAD_VALUES]
)
def test_a_bad_value_is_one_sentence_that_names_it(
    name: str, value: str, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError) as raised:
        load()
    sentence = str(raised.value)
    assert sentence.startswith(name)
    assert sentence.endswith(".")
    assert "\n" not in sentence
    for words in said:
        assert words in sentence


def test_every_setting_with_rules_has_a_bad_value_here() -> None:
    free = {"MINIO__SECRET_KEY", "ALLOWED_HOSTS", "DATA_DIR"}
    free |= {"BACKUP__ACCESS_KEY", "BACKUP__SECRET_KEY", "BACKUP__REGION"}
    free |= {"AUTH__ADMIN_GROUPS", "AUTH__EDITOR_GROUPS", "AUTH__VIEWER_GROUPS", "AUTH__OIDC_CLIENT_SECRET"}
    assert {name for name, _, _ in BAD_VALUES} | free == setting_names()


@pytest.mark.parametrize(("name", "meant"), UNKNOWN_NAMES)
def test_an_unknown_name_is_refused_and_what_is_allowed_is_said(
    name: str, meant: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, "x")
    with pytest.raises(SettingsError, match=rf"^{name} is not a setting.*\b{meant}\b"):
        load()


@pytest.mark.parametrize("name", ["MINIO__ENDPONT", "MINIO_ENDPOINT", "AUTH__MODUS"])
def test_an_unknown_name_in_the_env_file_is_refused_too(name: str, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(f"{name}=x\n")
    with pytest.raises(SettingsError, match=name):
        load()


def test_the_env_file_is_read_and_the_environment_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".env").write_text("MINIO__BUCKET=from-file\nLOG_LEVEL=debug\nPOSTGRES_PASSWORD=for-compose-only\n")
    monkeypatch.setenv("LOG_LEVEL", "error")
    values = load()
    assert (values.minio.bucket, values.log_level) == ("from-file", "error")


def test_an_empty_value_is_as_good_as_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PUBLIC_URL", "")
    monkeypatch.setenv("MINIO__BUCKET_TEMP", "")
    values = load()
    assert values.public_url is None
    assert values.minio.bucket_for("temp") == "mlops-files"


@pytest.mark.parametrize("name", ["SECRET_KEY", "DATABASE_URL", "AUTH__ADMIN_PASSWORD"])
def test_a_secret_is_not_repeated_in_the_sentence(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, "hunter2")
    with pytest.raises(SettingsError) as raised:
        load()
    assert "hunter2" not in str(raised.value)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"MODE": "oidc", "OIDC_CLIENT_ID": "shelf"}, ["AUTH__OIDC_ISSUER", "AUTH__OIDC_CLIENT_ID"]),
        ({"MODE": "oidc", "OIDC_ISSUER": "https://login.example.org"}, ["AUTH__OIDC_CLIENT_ID"]),
        ({"MODE": "header"}, ["AUTH__TRUSTED_PROXIES", "anybody"]),
        ({"ADMIN_PASSWORD": "correct horse battery"}, ["AUTH__ADMIN_EMAIL"]),
    ],
)
def test_what_a_mode_needs_is_named_and_no_secret_beside_it(
    values: dict[str, str], said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AUTH__OIDC_CLIENT_SECRET", "hunter2")
    for name, value in values.items():
        monkeypatch.setenv(f"AUTH__{name}", value)
    with pytest.raises(SettingsError) as raised:
        load()
    sentence = str(raised.value)
    assert sentence.startswith("AUTH__")
    assert all(words in sentence for words in said)
    assert "hunter2" not in sentence
    assert "correct horse" not in sentence


def test_every_mode_can_be_set_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTH__MODE", "header")
    monkeypatch.setenv("AUTH__TRUSTED_PROXIES", "10.0.0.7, fd00::/8")
    monkeypatch.setenv("AUTH__ADMIN_GROUPS", "shelf admins,ops")
    auth = load().auth
    assert auth.trusted_proxies == ("10.0.0.7", "fd00::/8")
    assert auth.admin_groups == ("shelf admins", "ops")
    monkeypatch.setenv("AUTH__MODE", "oidc")
    monkeypatch.setenv("AUTH__OIDC_CLIENT_ID", "shelf")
    for issuer in ("https://login.example.org/realms/team/", "http://localhost:8080", "http://127.0.0.1:9"):
        monkeypatch.setenv("AUTH__OIDC_ISSUER", issuer)
        assert load().auth.oidc_issuer == issuer.rstrip("/")
    monkeypatch.setenv("AUTH__OIDC_ISSUER", "http://keycloak:8080/realms/team")
    monkeypatch.setenv("AUTH__OIDC_ALLOW_HTTP", "true")
    assert load().auth.oidc_allow_http


def test_with_a_sign_in_the_app_may_listen_everywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTH__MODE", "password")
    load().check_listen("0.0.0.0")


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("https://Shelf.example:443", "https://Shelf.example"),
        ("http://shelf.example:80/", "http://shelf.example"),
        ("https://shelf.example:80", "https://shelf.example:80"),
        ("https://[2001:db8::1]:443", "https://[2001:db8::1]"),
    ],
)
def test_a_port_that_no_browser_names_is_left_out(said: str, kept: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PUBLIC_URL", said)
    assert load().public_url == kept


def test_where_people_sign_in_the_stores_default_credentials_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STORAGE_BACKEND", "minio")
    assert load().minio.has_default_secret
    monkeypatch.setenv("AUTH__MODE", "password")
    with pytest.raises(SettingsError, match=r"MINIO__SECRET_KEY.*minioadmin.*AUTH__MODE=password"):
        load()
    monkeypatch.setenv("MINIO__SECRET_KEY", "one of its own")
    load()


def test_no_setting_can_be_changed_after_the_start() -> None:
    values = load()
    with pytest.raises(ValueError, match="frozen"):
        values.log_level = "debug"
    with pytest.raises(ValueError, match="frozen"):
        values.minio.bucket = "other"


def test_a_role_has_its_own_bucket_where_one_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MINIO__BUCKET_MODELS", "team-models")
    minio = load().minio
    assert [minio.bucket_for(role) for role in ("datasets", "models", "temp")] == [
        "mlops-files",
        "team-models",
        "mlops-files",
    ]


def test_postgres_addresses_get_the_driver_that_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://u:p@db/datashelf")
    assert load().sqlalchemy_url == "postgresql+psycopg://u:p@db/datashelf"


@pytest.mark.parametrize("address", ["127.0.0.1", "127.8.9.1", "::1", "[::1]", "localhost"])
def test_on_this_machine_alone_nobody_has_to_sign_in(address: str) -> None:
    assert is_loopback(address)
    load().check_listen(address)


@pytest.mark.parametrize("address", [None, "", "0.0.0.0", "::", "192.168.1.4", "shelf.example.org"])
def test_beyond_this_machine_an_open_shelf_is_refused(address: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SettingsError, match=r"AUTH__MODE=none.*AUTH__ALLOW_OPEN=true"):
        load().check_listen(address)
    monkeypatch.setenv("AUTH__ALLOW_OPEN", "true")
    load().check_listen(address)
