"""Disks that are full, read-only or closed: each has its sentence, and what was stored before is there meanwhile."""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import httpx
import pytest

from settings import EXIT_CONFIG
from tests.app_server import AppDidNotStart, running_app, s3_env
from tests.postgres import start_postgres
from tests.real_parts import missing
from tests.seaweed import seaweed_server
from tests.shelf_client import problem, put_parts, start, store, unique

pytestmark = pytest.mark.long

CSV = b"id,name\n1,Ada\n"
MIB = 1024**2
NOBODY = 65534
WITHOUT_OVERRIDE = ("setpriv", "--bounding-set=-dac_override,-dac_read_search,-fowner") if os.geteuid() == 0 else ()
"""Runs the app so that permissions count: root is else above them."""


@contextmanager
def mounted(folder: Path, *options: str) -> Iterator[Path]:
    """A file system of its own, or a second view of a folder, for the length of the block."""
    folder.mkdir(parents=True, exist_ok=True)
    if subprocess.run(["mount", *options, str(folder)], check=False, capture_output=True).returncode:
        missing("the right to mount a file system")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def remount(folder: Path, how: str) -> None:
    subprocess.run(["mount", "-o", f"remount,bind,{how}", str(folder)], check=True, capture_output=True)


def fill(file: Path) -> None:
    """Take the last byte of the disk."""
    with suppress(OSError), file.open("wb") as full:
        while True:
            full.write(b"x" * 4096)
            full.flush()


def until_answered(ask: Callable[[], httpx.Response]) -> httpx.Response:
    """The first answer that is no 503."""
    deadline = time.monotonic() + 60
    while (answer := ask()).status_code == 503 and time.monotonic() < deadline:
        time.sleep(0.2)
    return answer


def give(folder: Path, *, uid: int, gid: int, mode: int) -> None:
    """Let the folder belong to somebody, where the tests may give anything away."""
    if os.geteuid() == 0:
        os.chown(folder, uid, gid)
    folder.chmod(mode)


def test_disk_that_turned_read_only_is_said_and_nothing_is_lost(tmp_path: Path) -> None:
    objects = tmp_path / "data" / "objects"
    objects.mkdir(parents=True)
    with (
        mounted(objects, "--bind", str(objects)),
        running_app(tmp_path / "data") as app,
        app.client() as client,
    ):
        kept = store(app, CSV, "kept.csv", name=unique())
        begun = start(app, CSV, "during.csv", name=unique())
        remount(objects, "ro")
        refused = httpx.put(begun["parts"][0]["url"], content=CSV)
        assert "read-only" in problem(refused, refused.status_code)["detail"].lower()
        assert refused.status_code in (503, 507)
        new = client.post("/uploads", json={"filename": "x.csv", "size": 1})
        assert "read-only" in problem(new, new.status_code)["detail"].lower()
        assert httpx.get(kept["download_url"]).content == CSV
        remount(objects, "rw")
        answer = client.post(f"/uploads/{begun['upload_id']}/complete", json={"parts": put_parts(begun, CSV)})
        assert answer.status_code == 200
        assert client.get("/datasets").json()["total"] == 2


def test_data_folder_that_cannot_be_written_ends_the_start_with_its_name(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    with mounted(data, "--bind", str(data)):
        remount(data, "ro")
        with pytest.raises(AppDidNotStart) as caught:
            running_app(data).__enter__()
    assert caught.value.code == EXIT_CONFIG
    assert "DATA_DIR" in str(caught.value)
    assert "Traceback" not in str(caught.value)


def test_folder_that_permits_no_writing_is_said(tmp_path: Path) -> None:
    with running_app(tmp_path / "data") as app, app.client() as client:
        kept = store(app, CSV, "kept.csv", name=unique())
        closed = tmp_path / "data" / "objects" / ".uploads"
        if subprocess.run(["chattr", "+i", str(closed)], check=False, capture_output=True).returncode:
            missing("a file system whose folders can be closed to root, too (chattr +i)")
        try:
            answer = client.post("/uploads", json={"filename": "x.csv", "size": 1})
            assert answer.status_code in (503, 507)
            assert "permit" in problem(answer, answer.status_code)["detail"]
            assert client.get("/uploads").json()["items"] == []
            assert httpx.get(kept["download_url"]).content == CSV
        finally:
            subprocess.run(["chattr", "-i", str(closed)], check=True)
        store(app, CSV, "later.csv", name=unique())


def test_full_disk_of_the_database_is_said_and_goes_on_once_there_is_room(tmp_path: Path) -> None:
    with mounted(tmp_path / "small", "-t", "tmpfs", "-o", f"size={4 * MIB}", "tmpfs") as disk:
        env = {"DATABASE_URL": f"sqlite:///{disk / 'shelf.db'}"}
        with running_app(tmp_path / "data", env) as app, app.client() as client:
            kept = store(app, CSV, "kept.csv", name=unique())
            filler = disk / "filler"
            fill(filler)
            answers = [client.patch(f"/datasets/{kept['id']}", json={"description": str(n) * 9_000}) for n in range(9)]
            answers += [client.post("/uploads", json={"filename": f"{n}.csv", "size": 1}) for n in range(40)]
            refused = [answer for answer in answers if answer.status_code >= 500]
            assert refused, "the disk was not full"
            for answer in refused:
                assert "try again" in problem(answer, 503, "database-unavailable")["detail"]
            assert client.get(f"/datasets/{kept['id']}").status_code == 200
            assert httpx.get(kept["download_url"]).content == CSV
            filler.unlink()
            store(app, CSV, "later.csv", name=unique())


@pytest.mark.postgres
def test_full_disk_of_postgresql_is_said_and_goes_on_once_there_is_room(tmp_path: Path) -> None:
    # In /tmp itself: pytest's own folders are closed to the account that PostgreSQL runs under.
    beside = Path(tempfile.mkdtemp(prefix="datashelf-small-", dir="/tmp"))
    with ExitStack() as stack:
        stack.callback(beside.rmdir)
        stack.enter_context(mounted(beside, "-t", "tmpfs", "-o", f"size={160 * MIB},mode=755", "tmpfs"))
        server = start_postgres(stack, beside=beside)
        app = stack.enter_context(running_app(tmp_path / "data", {"DATABASE_URL": server.url()}))
        client = stack.enter_context(app.client())
        kept = store(app, CSV, "kept.csv", name=unique())
        begun = start(app, CSV, "during.csv", name=unique())
        filler = beside / "filler"
        fill(filler)
        refused = None
        for _ in range(400):
            answer = client.patch(f"/datasets/{kept['id']}", json={"description": os.urandom(4_900).hex()})
            if answer.status_code != 200:
                refused = problem(answer, 503, "database-unavailable")
                break
        assert refused is not None, "the disk was not full"
        assert "try again" in refused["detail"]
        assert httpx.get(f"{app.url}/api/health/live").status_code == 200
        assert httpx.get(kept["download_url"]).content == CSV
        filler.unlink()
        if not server.running:
            # Where its journal found no room the server ended by itself.
            server.start()
        parts = put_parts(begun, CSV)
        done = until_answered(lambda: client.post(f"/uploads/{begun['upload_id']}/complete", json={"parts": parts}))
        assert done.status_code == 200, done.text
        assert client.get("/datasets").json()["total"] == 2
        assert httpx.get(kept["download_url"]).content == CSV
        store(app, CSV, "later.csv", name=unique())


def test_what_belongs_to_another_user_is_said_and_is_served_again_once_it_is_given_back(tmp_path: Path) -> None:
    objects = tmp_path / "data" / "objects"
    with running_app(tmp_path / "data", under=WITHOUT_OVERRIDE) as app, app.client() as client:
        kept = store(app, CSV * 1000, "kept.csv", name=unique())
        begun = start(app, CSV, "during.csv", name=unique())
        closed = [objects / "datasets", objects / ".uploads"]
        modes = [folder.stat().st_mode for folder in closed]
        owner = closed[0].stat()
        try:
            for folder in closed:
                give(folder, uid=NOBODY, gid=NOBODY, mode=0o700 if os.geteuid() == 0 else 0)
            refusals = [
                httpx.put(begun["parts"][0]["url"], content=CSV),
                client.post("/uploads", json={"filename": "x.csv", "size": 1}),
                httpx.get(kept["download_url"]),
            ]
            for answer in refusals:
                said = problem(answer, 503, "storage-denied")["detail"]
                assert "Permission denied" in said
                assert "whoever runs the shelf" in said
            assert "Traceback" not in app.log
            rows = client.get(f"/files/{kept['file_id']}/preview", params={"rows": 1, "offset": 2_500})
            assert "Permission denied" in problem(rows, 503, "storage-unavailable")["detail"]
            landed = client.get(f"/files/{kept['file_id']}/download", headers={"Accept": "text/html"})
            assert landed.status_code == 303
            assert "error=storage-denied" in landed.headers["location"]
            assert client.get("/datasets").json()["total"] == 1
        finally:
            for folder, mode in zip(closed, modes, strict=True):
                give(folder, uid=owner.st_uid, gid=owner.st_gid, mode=mode & 0o7777)
        (stored,) = [path for path in closed[0].rglob("*") if path.is_file()]
        stored.chmod(0)
        try:
            problem(httpx.get(kept["download_url"]), 503, "storage-denied")
        finally:
            stored.chmod(0o644)
        assert httpx.get(kept["download_url"]).content == CSV * 1000
        done = client.post(f"/uploads/{begun['upload_id']}/complete", json={"parts": put_parts(begun, CSV)})
        assert done.status_code == 200
        files = client.get(f"/datasets/{kept['id']}").json()["files"]
        assert [file["status"] for file in files] == ["ready"]
        assert "Traceback" not in app.log


def test_data_folder_of_another_user_ends_the_start_with_its_name(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    give(data, uid=NOBODY, gid=NOBODY, mode=0o755 if os.geteuid() == 0 else 0o555)
    with pytest.raises(AppDidNotStart) as caught:
        running_app(data, under=WITHOUT_OVERRIDE).__enter__()
    data.chmod(0o755)
    assert caught.value.code == EXIT_CONFIG
    assert "DATA_DIR" in str(caught.value)
    assert "Traceback" not in str(caught.value)


@pytest.mark.s3
def test_full_disk_of_the_store_is_an_error_and_never_a_file(tmp_path: Path) -> None:
    with (
        mounted(tmp_path / "small", "-t", "tmpfs", "-o", f"size={64 * MIB}", "tmpfs") as disk,
        seaweed_server(disk / "weed") as server,
        running_app(tmp_path / "data", s3_env(server)) as app,
        app.client() as client,
    ):
        kept = store(app, CSV, "kept.csv", name=unique())
        data = os.urandom(80 * MIB)  # the server packs what can be packed
        begun = start(app, data, "large.bin", name=unique())
        size = begun["part_size"]
        statuses, etags = [], []
        for part in begun["parts"]:
            begin = (part["number"] - 1) * size
            answer = httpx.put(part["url"], content=data[begin : begin + size], timeout=120)
            statuses.append(answer.status_code)
            etags.append({"number": part["number"], "etag": answer.headers.get("etag", "none")})
        assert [status for status in statuses if status >= 500], statuses
        done = client.post(f"/uploads/{begun['upload_id']}/complete", json={"parts": etags})
        assert done.status_code in (409, 422, 503, 507), done.text
        problem(done, done.status_code)
        assert client.get("/datasets").json()["total"] == 1
        assert httpx.get(kept["download_url"]).content == CSV
