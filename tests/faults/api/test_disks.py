"""Disks that are full, read-only or closed: each has its sentence, and what was stored before is there meanwhile."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx
import pytest

from settings import EXIT_CONFIG
from tests.app_server import AppDidNotStart, running_app, s3_env
from tests.real_parts import missing
from tests.seaweed import seaweed_server
from tests.shelf_client import problem, put_parts, start, store, unique

CSV = b"id,name\n1,Ada\n"
MIB = 1024**2


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
            with suppress(OSError), filler.open("wb") as full:
                while True:
                    full.write(b"x" * 4096)
                    full.flush()
            answers = [client.patch(f"/datasets/{kept['id']}", json={"description": str(n) * 9_000}) for n in range(9)]
            answers += [client.post("/uploads", json={"filename": f"{n}.csv", "size": 1}) for n in range(40)]
            refused = [answer for answer in answers if answer.status_code >= 500]
            assert refused, "the disk was not full"
            for answer in refused:
                problem(answer, 503, "database-unavailable")
            assert client.get(f"/datasets/{kept['id']}").status_code == 200
            assert httpx.get(kept["download_url"]).content == CSV
            filler.unlink()
            store(app, CSV, "later.csv", name=unique())


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
