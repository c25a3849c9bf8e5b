"""The one place where storage, database, catalogue and preview meet: `build(settings)` makes a `Services`.

`app.py` builds it once in its lifespan and hands it to the API; screens reach the same one through `current()`.
Its length is that of the list of services.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from catalog.activity import Activity
from catalog.activity_retention import ActivityRetention
from catalog.charts import Charts
from catalog.comparisons import Comparisons
from catalog.copies import watch_size
from catalog.datasets import Datasets
from catalog.digests import PartsOfFiles
from catalog.directory import Directory
from catalog.doctor import Doctor
from catalog.downloads import Downloads
from catalog.errors import Invalid
from catalog.files import Files
from catalog.gate import Gate
from catalog.housekeeping import Housekeeping, Task
from catalog.identity import Identity
from catalog.inspections import Inspections
from catalog.leases import Leases
from catalog.lifecycle import Lifecycle
from catalog.link_passwords import LinkPasswords
from catalog.oidc import OidcSignIn
from catalog.overview import Overview
from catalog.passwords import Passwords
from catalog.people import People
from catalog.previews import Previews
from catalog.profiler import Profiler
from catalog.profiles import Profiles
from catalog.queries import Queries
from catalog.reader import BackgroundReader
from catalog.reconcile import Reconcile
from catalog.reports import Reports
from catalog.requests import UploadRequests
from catalog.results import clear
from catalog.same_content import SameContent
from catalog.samples import Samples
from catalog.scrub import Scrub
from catalog.sessions import Sessions
from catalog.shares import Shares
from catalog.sharing import Sharing
from catalog.sign_in import SignIn
from catalog.slices import Slices
from catalog.sweep import Sweep
from catalog.tokens import Tokens
from catalog.trash import Trash
from catalog.uploads import Uploads
from db import Database, DatabaseUnavailable, migrate, open_database
from preview import Limits, Previewer
from preview.analyst import Analyst
from preview.limits import MB
from settings import Settings, SettingsError
from storage import Storages, open_storage
from storage.link_base import current_link_base, known_link_base

if TYPE_CHECKING:
    from catalog.oidc_provider import OidcProvider

log = structlog.get_logger(__name__)

STORE_CHECK_EVERY = timedelta(seconds=10)
SWEEP_EVERY = timedelta(hours=1)
RECONCILE_EVERY = timedelta(hours=6)
LIFECYCLE_EVERY = timedelta(days=1)
PRUNE_EVERY = timedelta(days=1)
SETTLED = timedelta(minutes=5)
"""A new process looks through everything only once it has served for a while."""
SHORTEST_SECRET = 32
"""Bytes, as for SECRET_KEY."""


@dataclass(frozen=True)
class Services:
    """Everything Datashelf does, ready to be called by a screen, a route or a command."""

    settings: Settings
    storages: Storages
    database: Database
    previewer: Previewer
    analyst: Analyst
    identity: Identity
    passwords: Passwords
    sessions: Sessions
    sign_in: SignIn
    oidc: OidcSignIn
    people: People
    tokens: Tokens
    activity: Activity
    datasets: Datasets
    sharing: Sharing
    uploads: Uploads
    requests: UploadRequests
    files: Files
    trash: Trash
    parts: PartsOfFiles
    same_content: SameContent
    downloads: Downloads
    shares: Shares
    previews: Previews
    inspections: Inspections
    profiles: Profiles
    queries: Queries
    charts: Charts
    comparisons: Comparisons
    samples: Samples
    doctor: Doctor
    reports: Reports
    overview: Overview
    reader: BackgroundReader
    profiler: Profiler
    scrub: Scrub
    housekeeping: Housekeeping
    _stop: threading.Event = field(default_factory=threading.Event)

    def first_start(self) -> str | None:
        """See to it that somebody can run the shelf: the secret of a set-up link where nobody can yet, else None.

        Raises SettingsError where the admin of the settings cannot be made.
        """
        try:
            return self.sign_in.first_start()
        except Invalid as error:
            raise SettingsError(f"AUTH__ADMIN_EMAIL and AUTH__ADMIN_PASSWORD cannot be used: {error}") from error

    def start(self) -> None:
        """Begin what runs beside the requests: reading new files, computing statistics, and looking after the store."""
        self.reader.start()
        self.profiler.start()
        self.scrub.start()
        self.housekeeping.start()
        threading.Thread(target=self._watch_store, name="store-watch", daemon=True).start()

    def _watch_store(self) -> None:
        while not self._stop.wait(STORE_CHECK_EVERY.total_seconds()):
            try:
                self.storages.check()
            except Exception:  # the watch must outlive whatever one look runs into
                log.exception("store_check_failed")

    def close(self) -> None:
        self._stop.set()
        self.housekeeping.close()
        self.reader.close()
        self.profiler.close()
        self.scrub.close()
        self.oidc.close()
        self.previewer.close()
        self.analyst.close()
        self.storages.close()
        self.database.close()


_current: Services | None = None


def install(services: Services | None) -> None:
    """Make `services` the ones that `current()` gives; None where the app ends."""
    global _current
    _current = services


def current() -> Services:
    """The running app's services, for a screen. Raises RuntimeError outside a running app."""
    if _current is None:
        raise RuntimeError("the services are not running; start the app with: streamlit run app.py")
    return _current


def build(settings: Settings) -> Services:
    """Open the store and the database (migrated to the newest schema) and put the catalogue on them.

    Raises StorageError where STORAGE_FALLBACK=fail and the store is away, SettingsError where the data folder or the
    database cannot be used.
    """
    secret = signing_secret(settings)
    storages = open_storage(settings, secret=secret, link_base=current_link_base)
    database = _migrated_database(settings)
    reading = settings.preview
    limits = Limits(timeout=timedelta(seconds=reading.timeout), memory=reading.memory * MB)
    previewer = Previewer(limits, workers=reading.workers)
    copies = settings.data_dir / "copies"
    analyst = Analyst(
        limits,
        workers=reading.engine_workers,
        memory=reading.engine_memory * MB,
        timeout=limits.scan_timeout,
        copies=copies,
        copies_limit=reading.copies * MB,
        query_timeout=timedelta(seconds=reading.query_timeout),
        export_limit=reading.export * MB,
    )
    watch_size(copies)
    results = settings.data_dir / "results"
    clear(results)
    profiler = Profiler(database, storages, analyst)
    profiles = Profiles(database, profiler)
    reader = BackgroundReader(database, storages, previewer, on_described=profiler.described)
    gate = Gate(reading.engine_workers)
    link_life = timedelta(seconds=settings.minio.presign_expiry)
    trash_for = timedelta(days=settings.trash_days)
    trash = Trash(database, storages, trash_for, on_ready=reader.notice)
    rules = settings.lifecycle
    idle = timedelta(days=rules.upload_days)
    sweep = Sweep(database, storages, idle, timedelta(days=rules.temp_days))
    reconcile = Reconcile(database, storages, reader.notice, idle=idle)
    lifecycle = Lifecycle(database, storages, rules, trash_for)
    days = settings.activity_days
    retention = ActivityRetention(database, timedelta(days=days) if days else None)
    passwords = Passwords()
    link_passwords = LinkPasswords(database, passwords, secret)
    slices = Slices(database, storages, analyst, gate, results, reader.notice)
    sessions = Sessions(database, settings.auth)
    tasks = [
        Task("sweep", SWEEP_EVERY, sweep.sweep),
        Task("trash", SWEEP_EVERY, trash.sweep),
        Task("slices", SWEEP_EVERY, slices.sweep),
        Task("sessions", SWEEP_EVERY, sessions.sweep),
        Task("reconcile", RECONCILE_EVERY, reconcile.light, after=SETTLED),
        Task("lifecycle", LIFECYCLE_EVERY, lambda: lifecycle.run(apply=True), after=SETTLED),
        Task("activity", PRUNE_EVERY, retention.prune, after=SETTLED),
    ]
    housekeeping = Housekeeping(Leases(database), tasks)
    datasets = Datasets(database, storages, trash_for)
    downloads = Downloads(database, storages, link_life, via_app=settings.download.via == "app")
    previews = Previews(database, storages, previewer, on_forgotten=reader.notice)
    uploads = Uploads(
        database,
        storages,
        link_life,
        on_ready=reader.notice,
        on_start=previewer.warm,
        via=settings.upload.via,
    )
    return Services(
        settings=settings,
        storages=storages,
        database=database,
        previewer=previewer,
        analyst=analyst,
        identity=Identity(database, settings.auth),
        passwords=passwords,
        sessions=sessions,
        oidc=OidcSignIn(
            database, sessions, Directory(database, settings.auth), settings.auth, _oidc_provider(settings)
        ),
        sign_in=SignIn(database, passwords, sessions, settings.auth, key=secret),
        people=People(database, settings.auth),
        tokens=Tokens(database),
        activity=Activity(database),
        datasets=datasets,
        sharing=Sharing(database),
        uploads=uploads,
        requests=UploadRequests(database, uploads, link_passwords, secret),
        files=Files(database, storages, trash_for),
        trash=trash,
        parts=PartsOfFiles(database),
        same_content=SameContent(database),
        downloads=downloads,
        shares=Shares(
            database=database,
            storages=storages,
            downloads=downloads,
            previews=previews,
            profiles=profiles,
            link_passwords=link_passwords,
            slices=slices,
            secret=secret,
            base=lambda: settings.public_url or known_link_base(),
        ),
        previews=previews,
        inspections=Inspections(database, previewer),
        profiles=profiles,
        queries=Queries(database, storages, analyst, profiles, uploads, gate, folder=results),
        charts=Charts(database, storages, analyst, profiles, gate),
        comparisons=Comparisons(database, profiles),
        samples=Samples(uploads, datasets),
        doctor=Doctor(database, storages, settings),
        reports=Reports(database),
        overview=Overview(database),
        reader=reader,
        profiler=profiler,
        scrub=Scrub(database, storages, timedelta(days=settings.scrub_days)),
        housekeeping=housekeeping,
    )


@contextlib.contextmanager
def doctor_alone(settings: Settings) -> Iterator[Doctor]:
    """A Doctor and nothing else, for a command: nothing is migrated or started, whatever does not answer.

    Raises SettingsError where the data folder cannot be used.
    """
    # No link is handed out, so the key that signs them is not needed, which would be made here on a fresh machine.
    storages = Storages(settings, secret=secrets.token_bytes(SHORTEST_SECRET), link_base=current_link_base)
    try:
        database = open_database(settings.sqlalchemy_url)
    except (OSError, ValueError) as error:
        raise SettingsError(f"the database cannot be used: {error}.") from error
    try:
        yield Doctor(database, storages, settings)
    finally:
        storages.close()
        database.close()


@contextlib.contextmanager
def apart(settings: Settings) -> Iterator[tuple[Database, Storages]]:
    """Database and stores for a backup or a restore: nothing is migrated, no bucket is made, no store is asked.

    Raises SettingsError as `build` does.
    """
    storages = Storages(settings, secret=signing_secret(settings), link_base=current_link_base)
    try:
        database = open_database(settings.sqlalchemy_url)
    except (OSError, ValueError) as error:
        raise SettingsError(f"{_named(settings)} is not an address of a database that can be used: {error}.") from error
    with database, contextlib.closing(storages):
        yield database, storages


def _named(settings: Settings) -> str:
    return "DATABASE_URL" if settings.database_url else f"DATA_DIR={settings.data_dir}"


def _migrated_database(settings: Settings) -> Database:
    name = _named(settings)
    try:
        database = open_database(settings.sqlalchemy_url)
        migrate(database)
    except DatabaseUnavailable as error:
        # What the driver says names the host and the user, never the password.
        said = " ".join(str(getattr(error.__cause__, "orig", None) or error).split()).rstrip(".?")
        raise SettingsError(f"the database that {name} names cannot be used: {said}.") from error
    except (OSError, ValueError) as error:
        raise SettingsError(f"{name} is not an address of a database that can be used: {error}.") from error
    return database


def _oidc_provider(settings: Settings) -> OidcProvider | None:
    if settings.auth.mode != "oidc":
        return None
    # Its libraries take a tenth of a second to load, for which nobody else shall wait.
    from catalog.oidc_provider import OidcProvider

    return OidcProvider(settings.auth)


def signing_secret(settings: Settings) -> bytes:
    """SECRET_KEY, or one made on the first start and kept, readable by the owner only, in the data folder."""
    if settings.secret_key is not None:
        return settings.secret_key.get_secret_value().encode()
    path = settings.data_dir / "secret_key"
    try:
        if not path.exists():
            _make_secret(path)
        secret = path.read_bytes()
    except OSError as error:
        raise SettingsError(
            f"DATA_DIR={settings.data_dir} cannot be used: {error.strerror}. Name a folder the app may write to."
        ) from None
    if len(secret) < SHORTEST_SECRET:
        # Signing with what a full disk left of it, or with nothing, would let everybody make links.
        raise SettingsError(f"{path} was cut short. Delete it (links given out until now end), or set SECRET_KEY.")
    return secret


def _make_secret(path: Path) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix="secret_key.") as fresh:  # mode 0600 by its contract
        fresh.write(secrets.token_hex(32).encode())
        fresh.flush()
        os.fsync(fresh.fileno())
        # A link never replaces: of two processes starting at once, both end with the first one's secret, whole.
        with contextlib.suppress(FileExistsError):
            os.link(fresh.name, path)
