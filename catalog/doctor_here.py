"""What the server looks at on its own side: database, data folder, local store, and settings that do not fit together.

One check a function; each returns a finding and raises nothing.
"""

from __future__ import annotations

import hashlib
import io
import os
import shutil
import tempfile
from datetime import timedelta
from urllib.parse import urlsplit

from sqlalchemy import text

from catalog.doctor_findings import Finding, Status
from catalog.doctor_fixes import environment, shell
from catalog.doctor_probe import fresh_ref
from catalog.leases import Leases
from db import Database, DatabaseTooNew, DatabaseUnavailable
from db.schema import HEAD, version
from settings import Settings, is_loopback
from storage import LocalFileStorage, StorageError
from storage.protocol import sentence

LITTLE_ROOM = 1_000_000_000
"""Bytes left on this server's disk below which the operator should act."""
NO_ROOM = 100_000_000
"""Bytes below which files are refused soon (`storage.disk.spare_room`)."""
PROBE_BYTES = 1_000_000


def database(database: Database, settings: Settings) -> Finding:
    """Whether it answers, has the tables of this version, and takes what is written."""
    title = "Database"
    name = "DATABASE_URL" if settings.database_url else "DATA_DIR"
    kind = "SQLite" if database.is_sqlite else "PostgreSQL"
    try:
        found = version(database)
        if found is None:
            return Finding("database", title, Status.SKIPPED, f"{kind} is empty; the first start makes the tables.")
        if found != HEAD:
            said = f"{kind} has the tables of version {found}, and this Datashelf has {HEAD}."
            means = "A start of this version brings them up to date; a newer version’s it refuses."
            return Finding("database", title, Status.WARN, said, means, ())
        leases = Leases(database)
        if leases.take("doctor", timedelta(seconds=30)):
            leases.let_go("doctor")
    except (DatabaseUnavailable, DatabaseTooNew) as error:
        said = " ".join(str(getattr(error.__cause__, "orig", None) or error).split()).rstrip(".")
        means = "Nothing can be found, stored or handed out until it answers; nothing is lost."
        fixes = (
            shell("Is the disk full, or the folder read-only?", f"df -h {settings.data_dir.resolve()}")
            if database.is_sqlite
            else environment("DATABASE_URL=postgresql://user:password@host:5432/datashelf")
        )
        return Finding("database", title, Status.FAIL, f"{name}: {sentence(said)}", means, fixes)
    return Finding("database", title, Status.OK, f"{kind} answers and takes what is written; tables are of {HEAD}.")


def data_folder(settings: Settings) -> Finding:
    """Whether DATA_DIR can be written."""
    title, folder = "Data folder", settings.data_dir.resolve()
    try:
        with tempfile.NamedTemporaryFile(dir=folder, prefix="doctor.") as file:
            file.write(b"doctor")
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        found = f"{folder} cannot be written: {error.strerror or error}."
        means = "Datashelf keeps its database, its signing key and what it copies for queries there."
        how = "As root, on this server; the app runs as the user of this id."
        return Finding(
            "data-dir",
            title,
            Status.FAIL,
            found,
            means,
            shell(how, f"chown -R {os.getuid()} {folder}", f"df -h {folder}"),
        )
    return Finding("data-dir", title, Status.OK, f"{folder} can be written.")


def room(settings: Settings, *, holds_files: bool) -> Finding:
    """How much is left on the disk that DATA_DIR lies on."""
    title, folder = "Room left", settings.data_dir.resolve()
    try:
        free = shutil.disk_usage(folder).free
    except OSError as error:
        return Finding("room", title, Status.SKIPPED, f"The disk does not say: {error.strerror or error}.")
    found = f"{_gb(free)} on this server’s disk."
    means = "New files are refused once it is full." if holds_files else "The database cannot grow once it is full."
    fixes = shell("What takes the room?", f"df -h {folder}", f"du -xh -d 2 {folder} | sort -h | tail")
    if free < NO_ROOM:
        return Finding("room", title, Status.FAIL, found, means, fixes)
    if free < LITTLE_ROOM:
        return Finding("room", title, Status.WARN, found, means, fixes)
    return Finding("room", title, Status.OK, found)


def local_store(storage: LocalFileStorage) -> Finding:
    """Write a megabyte as an object, read it back whole and from the middle, delete it."""
    title, ref = "Write, read back, delete", fresh_ref()
    if not storage.root.exists():
        return Finding("write", title, Status.SKIPPED, f"{storage.root} is not there; the first start makes it.")
    data = os.urandom(PROBE_BYTES)
    try:
        storage.upload_file(ref, io.BytesIO(data), len(data), "application/octet-stream")
        with storage.open_file(ref) as file:
            file.seek(1000)
            middle = file.read(1000)
            file.seek(0)
            same = hashlib.sha256(file.read()).digest() == hashlib.sha256(data).digest()
    except StorageError as error:
        means = "Files cannot be stored or read; what is stored is untouched."
        fixes = shell("On this server.", f"df -h {storage.root}", f"ls -ld {storage.root}")
        return Finding("write", title, Status.FAIL, sentence(str(error)), means, fixes)
    finally:
        gone = storage.delete_file(ref)
    if not same or middle != data[1000:2000]:
        means = "What is stored here cannot be trusted: look after the disk."
        return Finding("write", title, Status.FAIL, "The disk gave back other bytes than it was given.", means)
    if not gone:
        return Finding(
            "write", title, Status.WARN, "Written and read back; deleting failed.", "Deleted files keep room."
        )
    return Finding("write", title, Status.OK, "1 MB probe on this server’s disk, same SHA-256 back.")


def replicas(database: Database, settings: Settings) -> Finding | None:
    """Several apps and a fallback to the disk of whichever could not reach the store do not go together.

    None where it cannot be: on SQLite or local disk, or where a start without the store is refused anyway.
    """
    if database.is_sqlite or settings.storage_backend == "local" or settings.storage_fallback == "fail":
        return None
    title = "One shelf, one place"
    # Seen by the database itself; each app is at an address of its own, this server's commands at the app's.
    query = text("SELECT count(DISTINCT client_addr) FROM pg_stat_activity WHERE application_name = 'datashelf'")
    try:
        with database.session() as session:
            apps = int(session.connection().execute(query).scalar_one())
    except DatabaseUnavailable:
        return Finding("replicas", title, Status.SKIPPED, "The database does not answer.")
    if apps < 2:
        return Finding("replicas", title, Status.OK, "One app; without its store it goes on with this server’s disk.")
    found = f"{apps} apps share this database, and STORAGE_FALLBACK is local."
    means = "An app that starts while the store is away keeps new files on its own disk, where the others cannot read."
    return Finding("replicas", title, Status.WARN, found, means, environment("STORAGE_FALLBACK=fail"))


def address(settings: Settings, origin: str) -> Finding | None:
    """Whether links to this server carry the address people use. None where nothing speaks of a proxy."""
    title = "Own address"
    if settings.public_url is not None:
        if _origin(settings.public_url) == origin:
            return Finding("address", title, Status.OK, f"{settings.public_url}, as the page has it.")
        found = f"PUBLIC_URL is {settings.public_url}, and this page is at {origin}."
        means = "Links lead to PUBLIC_URL, and the store must let in that origin, too."
        return Finding("address", title, Status.WARN, found, means, environment(f"PUBLIC_URL={origin}"))
    beyond = [host for host in settings.allowed_hosts if not is_loopback(host.rpartition(":")[0] or host)]
    if not beyond:
        return None
    found = f"ALLOWED_HOSTS names {beyond[0]}, and PUBLIC_URL is not set."
    means = "Behind a proxy that speaks https, links may begin with http or with the wrong name."
    return Finding("address", title, Status.WARN, found, means, environment(f"PUBLIC_URL={origin}"))


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def _gb(count: int) -> str:
    return f"{count / 1e9:,.1f} GB" if count >= 100_000_000 else f"{count / 1e6:,.0f} MB"
