"""Every setting of Datashelf: one frozen tree, read from the environment (and `.env`), checked at start.

This module is the only reader of the environment. `load()` turns whatever is wrong into one `SettingsError` whose
sentence names the setting and says what is allowed; `app.py` and `ops` print it and exit with `EXIT_CONFIG`.
It is one module because a setting is looked for in one place; the length is that of the list.
"""

from __future__ import annotations

import ipaddress
import os
import re
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit, urlunsplit

from dotenv import dotenv_values
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict
from pydantic_settings.exceptions import SettingsError as SourceError

EXIT_CONFIG = 78
"""Exit status for a configuration error (EX_CONFIG of BSD's sysexits.h)."""

ENV_FILE = ".env"
"""Beside the process's working folder; what stands in the environment itself wins."""
SHORTEST_PASSWORD = 10
"""Characters of a person's password (NIST SP 800-63B asks for 8 at least, and for no rules about their kinds)."""
HEADERS_IN_USE = frozenset(
    {"authorization", "cookie", "host", "origin", "user-agent", "x-forwarded-for", "x-forwarded-proto"}
)
"""Names that already mean something, and can therefore not say who somebody is; lower-case."""
LONGEST_PRESIGN = 604_800
"""Seconds: SigV4 refuses a longer X-Amz-Expires (AWS, "Authenticating requests: using query parameters")."""


class SettingsError(Exception):
    """A setting is unknown, missing or out of range; the message is one sentence for the operator."""


class Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Minio(Section):
    """How to reach the object store: MinIO, Silo, SeaweedFS, Ceph, AWS or any other S3."""

    endpoint: str = "minio:9000"
    access_key: str = "minioadmin"
    secret_key: SecretStr = SecretStr("minioadmin")
    bucket: str = "mlops-files"
    bucket_datasets: str | None = None
    bucket_models: str | None = None
    bucket_temp: str | None = None
    region: str = "us-east-1"
    secure: bool = False
    public_endpoint: str = "http://localhost:9000"
    retry_attempts: Annotated[int, Field(ge=1, le=20)] = 3
    retry_backoff: Annotated[float, Field(ge=0, le=60)] = 0.5
    presign_expiry: Annotated[int, Field(ge=1, le=86_400)] = 3600

    @field_validator("endpoint")
    @classmethod
    def _host_and_port(cls, value: str) -> str:
        return _check_endpoint(value)

    @field_validator("public_endpoint")
    @classmethod
    def _public_url(cls, value: str) -> str:
        return _check_url(value, example="http://localhost:9000")

    @field_validator("bucket", "bucket_datasets", "bucket_models", "bucket_temp")
    @classmethod
    def _bucket_name(cls, value: str | None) -> str | None:
        # The rules of "Bucket naming rules" in the Amazon S3 user guide, as far as one name alone can break them.
        if value is None:
            return None
        allowed = set("abcdefghijklmnopqrstuvwxyz0123456789.-")
        if not 3 <= len(value) <= 63 or set(value) - allowed or not (value[0].isalnum() and value[-1].isalnum()):
            raise ValueError(
                "must be 3 to 63 lower-case letters, digits, dots or hyphens, with a letter or digit at both ends"
            )
        return value

    @field_validator("access_key", "region")
    @classmethod
    def _not_empty(cls, value: str) -> str:
        if not value.strip():
            raise ValueError("must not be empty")
        return value

    def bucket_for(self, role: str) -> str:
        """The real bucket of a role (`datasets`, `models`, `temp`)."""
        own: str | None = getattr(self, f"bucket_{role}")
        return own or self.bucket

    @property
    def has_default_secret(self) -> bool:
        return self.secret_key.get_secret_value() == "minioadmin"


def _parts(value: object) -> object:
    """A list as it stands in an environment variable, with commas between."""
    return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value


def _check_networks(value: tuple[str, ...]) -> tuple[str, ...]:
    for one in value:
        try:
            ipaddress.ip_network(one, strict=False)
        except ValueError:
            raise ValueError(f"must be addresses or networks with commas between, not “{one}”") from None
    return value


Names = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_parts)]
Networks = Annotated[Names, AfterValidator(_check_networks)]


class Auth(Section):
    """Who may come in. `none` is one local user; `password` are people in the database; with `oidc` a provider says who
    somebody is, with `header` a proxy does that stands before the app."""

    mode: Literal["none", "password", "oidc", "header"] = "none"
    allow_open: bool = False
    admin_email: str | None = None
    """Of the first admin in mode `password`, made at the first start; without it a set-up link is printed. In the other
    modes whoever comes with this address is an admin."""
    admin_password: SecretStr | None = None
    session_hours: Annotated[int, Field(ge=1, le=8760)] = 720
    """Hours after which a session ends however much it is used."""
    idle_hours: Annotated[int, Field(ge=1, le=8760)] = 168
    """Hours after which a session ends that nobody uses."""
    default_role: Literal["viewer", "editor", "refused"] = "editor"
    """Of somebody a provider or a proxy names and none of whose groups says more."""
    admin_groups: Names = ()
    editor_groups: Names = ()
    viewer_groups: Names = ()
    """Groups of the provider or the proxy that make a person this. The most a person's groups give counts."""
    oidc_issuer: str | None = None
    """The provider's address; what else it has is read from `/.well-known/openid-configuration` below it."""
    oidc_client_id: str | None = None
    oidc_client_secret: SecretStr | None = None
    """None: a public client, which PKCE alone protects."""
    oidc_allow_http: bool = False
    """Whether a provider beyond this machine may be spoken to without TLS, as inside a compose network."""
    oidc_scopes: str = "openid profile email"
    oidc_groups_claim: str = "groups"
    oidc_label: str = "Sign in"
    """What stands on the button that leads to the provider."""
    header_user: str = "X-Forwarded-User"
    header_email: str = "X-Forwarded-Email"
    header_name: str = "X-Forwarded-Preferred-Username"
    header_groups: str = "X-Forwarded-Groups"
    """The names under which oauth2-proxy and its like tell them; groups with commas between."""
    trusted_proxies: Networks = ()
    """Addresses or networks of the proxies whose word counts in mode `header`."""

    @field_validator("oidc_issuer")
    @classmethod
    def _issuer(cls, value: str | None) -> str | None:
        return None if value is None else _check_url(value, example="https://login.example.org/realms/team")

    @field_validator("oidc_scopes")
    @classmethod
    def _with_openid(cls, value: str) -> str:
        if "openid" not in value.split():
            raise ValueError("must be scopes with spaces between, openid among them")
        return value

    @field_validator("oidc_client_id", "oidc_groups_claim", "oidc_label")
    @classmethod
    def _not_blank(cls, value: str | None) -> str | None:
        if value is not None and not value.strip():
            raise ValueError("must not be empty")
        return value

    @field_validator("header_user", "header_email", "header_name", "header_groups")
    @classmethod
    def _header(cls, value: str) -> str:
        # A token of RFC 9110, 5.6.2, without the underscore, which proxies drop or take for a hyphen; and none of the
        # names that mean something else to the app.
        if not re.fullmatch(r"[A-Za-z0-9!#$%&'*+.^`|~-]+", value) or value.lower() in HEADERS_IN_USE:
            raise ValueError("must be the name of a header that is used for nothing else, without underscores")
        return value

    @field_validator("admin_email")
    @classmethod
    def _email(cls, value: str | None) -> str | None:
        if value is not None and not re.fullmatch(r"[^@\s]+@[^@\s]+", value):
            raise ValueError("must be an e-mail address, for example admin@example.org")
        return value

    @field_validator("admin_password")
    @classmethod
    def _long_enough(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and len(value.get_secret_value()) < SHORTEST_PASSWORD:
            raise ValueError(f"must have at least {SHORTEST_PASSWORD} characters")
        return value

    @model_validator(mode="after")
    def _enough_for_the_mode(self) -> Auth:
        if self.mode == "oidc" and not (self.oidc_issuer and self.oidc_client_id):
            raise ValueError("AUTH__MODE=oidc needs AUTH__OIDC_ISSUER and AUTH__OIDC_CLIENT_ID")
        issuer = urlsplit(self.oidc_issuer or "")
        if issuer.scheme == "http" and not (self.oidc_allow_http or is_loopback(issuer.hostname)):
            raise ValueError(
                "AUTH__OIDC_ISSUER is an http:// address: whoever is on the way there could sign in as anybody. Use "
                "https://, or set AUTH__OIDC_ALLOW_HTTP=true where the way there is yours alone"
            )
        if len({name.lower() for name in self.identity_headers}) < len(self.identity_headers):
            raise ValueError("AUTH__HEADER_USER, _EMAIL, _NAME and _GROUPS must be four different names")
        if self.mode == "header" and not self.trusted_proxies:
            raise ValueError(
                "AUTH__MODE=header needs AUTH__TRUSTED_PROXIES: whoever else reached the app could say they are anybody"
            )
        if (self.admin_password is not None) and self.admin_email is None:
            raise ValueError("AUTH__ADMIN_PASSWORD needs AUTH__ADMIN_EMAIL")
        return self

    @property
    def identity_headers(self) -> tuple[str, str, str, str]:
        """The headers that say who somebody is, whether or not anybody is believed about them."""
        return (self.header_user, self.header_email, self.header_name, self.header_groups)


class Rates(Section):
    """How often within a minute. Beyond it a call is answered 429; 0 is no limit."""

    api: Annotated[int, Field(ge=0, le=1_000_000)] = 1200
    """Calls of the API by one person, token or address."""
    sign_in: Annotated[int, Field(ge=0, le=100_000)] = 20
    """Tries to sign in from one address."""
    link: Annotated[int, Field(ge=0, le=100_000)] = 20
    """Tries of a link's password from one address."""


class Preview(Section):
    """Limits of the workers that read files."""

    workers: Annotated[int, Field(ge=1, le=64)] = 2
    timeout: Annotated[float, Field(gt=0, le=600)] = 20.0
    """Seconds one read may take."""
    memory: Annotated[int, Field(ge=128, le=65_536)] = 1024
    """MB of data one worker may hold."""
    engine_workers: Annotated[int, Field(ge=1, le=64)] = 2
    """Processes for statistics, queries and charts; as many queries run at once."""
    engine_memory: Annotated[int, Field(ge=256, le=65_536)] = 1024
    """MB of data one of them may hold."""
    query_timeout: Annotated[float, Field(gt=0, le=3600)] = 30.0
    """Seconds a query or a chart may take."""
    copies: Annotated[int, Field(ge=0, le=10_000_000)] = 5000
    """MB of columnar copies of texts and sheets kept in DATA_DIR/copies, the longest unused dropped first."""
    export: Annotated[int, Field(ge=1, le=1_000_000)] = 2000
    """MB of a query's result that is downloaded or saved as a dataset."""


class Upload(Section):
    """Which way a browser's bytes go to the store."""

    via: Literal["direct", "app", "auto"] = "auto"
    """`auto`: straight to the store, and through the app where the browser cannot reach the store."""


class Download(Section):
    """Which way the bytes come back."""

    via: Literal["direct", "app"] = "direct"


class Lifecycle(Section):
    """What is cleared away by itself. Days; a rule that is 0 or false clears nothing."""

    temp_days: Annotated[int, Field(ge=1, le=3650)] = 1
    """Objects of the bucket role `temp`."""
    upload_days: Annotated[int, Field(ge=1, le=365)] = 7
    """Uploads that nobody went on with."""
    versions: Annotated[int, Field(ge=0, le=100_000)] = 0
    """Newest versions of a dataset that are kept; 0 keeps all."""
    untouched: bool = False
    """Whether files go that were neither changed nor downloaded for `untouched_days`."""
    untouched_days: Annotated[int, Field(ge=1, le=36_500)] = 90
    roles: Annotated[tuple[Literal["datasets", "models"], ...], NoDecode] = ("datasets", "models")
    """The bucket roles that `versions` and `untouched` hold for."""

    @field_validator("roles", mode="before")
    @classmethod
    def _role_list(cls, value: object) -> object:
        return _parts(value)


class Backup(Section):
    """How to reach the store that `s3://…` backups go to; what is unset is as for MINIO__…."""

    endpoint: str | None = None
    access_key: str | None = None
    secret_key: SecretStr | None = None
    region: str | None = None
    secure: bool | None = None

    @field_validator("endpoint")
    @classmethod
    def _host_and_port(cls, value: str | None) -> str | None:
        return None if value is None else _check_endpoint(value)


class Settings(BaseSettings):
    """The whole tree; make it with `load()`, which turns a bad value into a sentence."""

    model_config = SettingsConfigDict(
        frozen=True,
        env_nested_delimiter="__",
        env_file=ENV_FILE,
        env_file_encoding="utf-8",
        extra="ignore",
        env_ignore_empty=True,
    )

    storage_backend: Literal["local", "minio"] = "local"
    storage_fallback: Literal["local", "fail"] = "local"
    minio: Minio = Field(default_factory=Minio)
    auth: Auth = Field(default_factory=Auth)
    preview: Preview = Field(default_factory=Preview)
    upload: Upload = Field(default_factory=Upload)
    download: Download = Field(default_factory=Download)
    lifecycle: Lifecycle = Field(default_factory=Lifecycle)
    backup: Backup = Field(default_factory=Backup)
    rates: Rates = Field(default_factory=Rates)
    trusted_proxies: Networks = ("127.0.0.1", "::1")
    """Addresses or networks of the proxies whose X-Forwarded-For and X-Forwarded-Proto are believed."""
    activity_days: Annotated[int, Field(ge=0, le=36_500)] = 365
    """Days the activity is kept; 0 keeps it for ever."""
    trash_days: Annotated[int, Field(ge=0, le=3650)] = 7
    """Days a deleted dataset or version can be put back; 0 removes it at once."""
    scrub_days: Annotated[int, Field(ge=0, le=3650)] = 30
    """Days after which a stored file is read again and held against its checksum; 0 never."""
    database_url: str | None = None
    data_dir: Path = Path("./data")
    public_url: str | None = None
    allowed_hosts: Names = ()
    secret_key: SecretStr | None = None
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["text", "json"] = "text"

    @field_validator("public_url")
    @classmethod
    def _public_url(cls, value: str | None) -> str | None:
        return None if value is None else _check_url(value, example="https://shelf.example.org")

    @field_validator("secret_key")
    @classmethod
    def _long_enough(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and len(value.get_secret_value()) < 32:
            raise ValueError("must be at least 32 characters; make one with: openssl rand -hex 32")
        return value

    @field_validator("database_url")
    @classmethod
    def _known_database(cls, value: str | None) -> str | None:
        if value is not None and not value.startswith(("sqlite:///", "postgresql://", "postgresql+psycopg://")):
            raise ValueError(
                "must begin with postgresql:// or sqlite:///, for example postgresql://user:password@db/datashelf"
            )
        return value

    @model_validator(mode="after")
    def _default_credentials_only_alone(self) -> Settings:
        if self.storage_backend == "minio" and self.auth.mode != "none" and self.minio.has_default_secret:
            raise ValueError(
                "MINIO__SECRET_KEY is still the default minioadmin, which AUTH__MODE="
                f"{self.auth.mode} does not allow; set the store's own credentials"
            )
        return self

    @property
    def sqlalchemy_url(self) -> str:
        """DATABASE_URL with the driver we ship, or SQLite in the data folder."""
        url = self.database_url
        if url is None:
            return f"sqlite:///{(self.data_dir / 'datashelf.db').resolve()}"
        return url.replace("postgresql://", "postgresql+psycopg://", 1)

    @property
    def backup_store(self) -> Minio:
        """The store of `s3://…` backups: BACKUP__…, and MINIO__… where that is unset."""
        return self.minio.model_copy(update=self.backup.model_dump(exclude_none=True))

    def check_listen(self, address: str | None) -> None:
        """Refuse to serve everybody where nobody signs in.

        `address` is what the server binds; None or empty means every interface. Raises SettingsError.
        """
        if self.auth.mode != "none" or self.auth.allow_open or is_loopback(address):
            return
        raise SettingsError(
            f"AUTH__MODE=none lets everyone in, and the app would listen on {address or 'every interface'}: "
            "listen on 127.0.0.1 (server.address in .streamlit/config.toml), or set AUTH__ALLOW_OPEN=true to mean it."
        )


SECTIONS: dict[str, type[Section]] = {
    "MINIO": Minio,
    "AUTH": Auth,
    "PREVIEW": Preview,
    "UPLOAD": Upload,
    "DOWNLOAD": Download,
    "LIFECYCLE": Lifecycle,
    "BACKUP": Backup,
    "RATES": Rates,
}


def is_loopback(address: str | None) -> bool:
    """Whether a bind address or host name reaches this machine only."""
    if not address:
        return False
    if address == "localhost":
        return True
    try:
        return ipaddress.ip_address(address.strip("[]")).is_loopback
    except ValueError:
        return False


def load(**overrides: object) -> Settings:
    """Read and check every setting; `overrides` are for tests. Raises SettingsError with one sentence."""
    _refuse_unknown_names()
    try:
        return Settings(**overrides)  # type: ignore[arg-type]  # pydantic checks what tests hand in
    except SourceError as error:
        name = str(error).split('"')[1].upper() if '"' in str(error) else "A setting"
        raise SettingsError(f"{name} cannot be read; set its parts one by one, for example {name}__…=value.") from None
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise SettingsError(
            _sentence(first["loc"], first["type"], first["msg"], first.get("input"), first.get("ctx") or {})
        ) from None


def _refuse_unknown_names() -> None:
    # pydantic-settings only sees names it can explode at "__"; a flat misspelling (`MINIO_ENDPOINT`) would pass in
    # silence and leave the operator with the default. MINIO_ACCESS_KEY and its like belong to MinIO's own tools.
    for name in (*os.environ, *dotenv_values(ENV_FILE, encoding="utf-8")):
        for section, model in SECTIONS.items():
            field = name.upper().removeprefix(f"{section}_").lower()
            if (
                name.upper() == f"{section}_{field.upper()}"
                and field in model.model_fields
                and field not in ("access_key", "secret_key", "region")
            ):
                raise SettingsError(
                    f"{name} is not a setting; did you mean {section}__{field.upper()}, with two underscores?"
                )


def _sentence(loc: tuple[int | str, ...], kind: str, message: str, value: object, ctx: dict[str, object]) -> str:
    name = "__".join(str(part).upper() for part in loc)
    if not name or name in SECTIONS:
        # What several settings break together: the value would be all of them, secrets too.
        return f"{message.removeprefix('Value error, ')}."
    if kind == "extra_forbidden":
        section = str(loc[0]).upper()
        allowed = ", ".join(f"{section}__{field.upper()}" for field in SECTIONS[section].model_fields)
        return f"{name} is not a setting of Datashelf; allowed are {allowed}."
    if kind == "literal_error":
        return f"{name}={value!s} is not allowed; allowed are {ctx.get('expected')}."
    text = message.removeprefix("Value error, ")
    # An address may have been given with a password in it.
    shown = (
        "" if "SECRET" in name or "PASSWORD" in name or "DATABASE_URL" in name or "@" in str(value) else f"={value!s}"
    )
    return f"{name}{shown} is not allowed: {text[0].lower()}{text[1:]}."


def _check_port(parts: object) -> None:
    try:
        _ = parts.port  # type: ignore[attr-defined]  # urlsplit checks the range only when the port is read
    except ValueError:
        raise ValueError("has a port that is not a number from 0 to 65535") from None


def _check_endpoint(value: str) -> str:
    parts = urlsplit(f"//{value}")
    if "://" in value or not parts.hostname or parts.path or parts.query:
        raise ValueError("must be host:port without a scheme or a path, for example minio:9000")
    _check_port(parts)
    return value


def _check_url(value: str, *, example: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment or parts.username:
        raise ValueError(f"must be an http:// or https:// address without query or credentials, for example {example}")
    _check_port(parts)
    if parts.port == {"http": 80, "https": 443}[parts.scheme]:
        # No browser names it, and addresses are compared with what browsers say (RFC 6454, 4).
        value = urlunsplit(parts._replace(netloc=parts.netloc.rpartition(":")[0]))
    return value.rstrip("/")
