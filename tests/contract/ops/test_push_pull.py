"""`ops push` and `ops pull` as processes of their own, against the real app on each backend, over lines that fail."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from ops.__main__ import app as commands
from tests.app_server import ROOT, RunningApp, running_app, s3_env, wait_healthy
from tests.app_server import start_app as start_again
from tests.line import Line, line_to
from tests.seaweed import S3Server
from tests.shelf_client import store, unique

pytestmark = pytest.mark.long

MIB = 1024**2
PART = 16 * MIB
LANES = 2


@dataclass
class Place:
    """An app and the line that carries the bytes of its files."""

    app: RunningApp
    line: Line
    url: str


@contextmanager
def place(folder: Path, backend: str, server: S3Server | None, **env: str) -> Iterator[Place]:
    if backend == "minio":
        assert server is not None
        with (
            line_to(server.endpoint) as line,
            running_app(folder / "data", {**s3_env(server), "MINIO__PUBLIC_ENDPOINT": line.url, **env}) as app,
        ):
            yield Place(app, line, app.url)
    else:
        with running_app(folder / "data", env) as app, line_to(f"127.0.0.1:{app.port}") as line:
            yield Place(app, line, line.url)


@pytest.fixture(scope="module", params=["local", pytest.param("minio", marks=pytest.mark.s3)])
def shared(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    server = request.getfixturevalue("s3_server") if request.param == "minio" else None
    with place(tmp_path_factory.mktemp("push"), request.param, server) as made:
        yield made


def begin(verb: str, *arguments: str, **env: str) -> subprocess.Popen[str]:
    """The command, alone: without what the other commands load."""
    return subprocess.Popen(
        [sys.executable, "-m", f"ops.{verb}", *arguments],
        env={**os.environ, "PYTHONPATH": str(ROOT), **env},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # Whoever began the tests in the background has Ctrl-C ignored by every process that comes of it.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


def end(process: subprocess.Popen[str], *, code: int = 0) -> tuple[list[dict[str, Any]], str]:
    """The JSON objects it printed, and what it said."""
    out, said = process.communicate(timeout=120)
    assert process.returncode == code, (process.returncode, out, said)
    return [json.loads(row) for row in out.splitlines()], said


def random_file(path: Path, size: int) -> Path:
    path.write_bytes(os.urandom(size))
    return path


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize(
    ("name", "size"),
    [
        ("three parts.bin", 2 * PART + 5),
        ("empty.csv", 0),
        ("größe — 数据 'quoted' \"double\" $(x) [red] %2e%2e.csv", 10),
        ("-rf.csv", 1),
    ],
)
def test_a_file_comes_back_as_it_went(shared: Place, tmp_path: Path, name: str, size: int) -> None:
    file = random_file(tmp_path / name, size)
    (pushed,), _ = end(begin("push", "--url", shared.url, "--json", "--", str(file)))
    assert (pushed["sent"], pushed["found"], pushed["sha256"]) == (size, 0, sha256(file))
    assert pushed["url"] == f"{shared.url}/dataset?id={pushed['dataset_id']}"
    (tmp_path / "into").mkdir()
    for what in (pushed["url"], pushed["file_id"]):
        (pulled,), _ = end(begin("pull", what, "--url", shared.url, "--force", "--json", "-o", str(tmp_path / "into")))
        assert Path(pulled["path"]) == tmp_path / "into" / name
        assert pulled["got"] == size
        assert sha256(Path(pulled["path"])) == pushed["sha256"]
    assert [one.name for one in (tmp_path / "into").iterdir()] == [name]


def test_what_no_pull_left_is_not_touched_without_force(shared: Place, tmp_path: Path) -> None:
    dataset = store(shared.app, b"a\n1\n", "x.csv", name=unique("x"))
    arguments = (dataset["file_id"], "--url", shared.url, "--json", "-o", str(tmp_path))
    mine, note = tmp_path / "x.csv.part", tmp_path / "x.csv.part.json"
    mine.write_bytes(b"mine")
    for told in (None, {"file_id": "another", "size": 4, "piece": 16 * MIB, "etag": None, "pieces": [1]}):
        if told is not None:
            note.write_text(json.dumps(told))
        _, said = end(begin("pull", *arguments), code=1)
        assert "--force" in said
        assert mine.read_bytes() == b"mine"
    end(begin("pull", *arguments, "--force"))
    assert (tmp_path / "x.csv").read_bytes() == b"a\n1\n"


@pytest.mark.parametrize("name", ["n" * 251 + ".csv", "ß" * 125 + "n.csv", "数" * 83 + "nn.csv"])
def test_a_name_as_long_as_a_name_may_be_comes_back(shared: Place, tmp_path: Path, name: str) -> None:
    assert len(os.fsencode(name)) == 255
    dataset = store(shared.app, b"a\n1\n", name, name=unique("long"))
    end(begin("pull", dataset["file_id"], "--url", shared.url, "--json", "-o", str(tmp_path)))
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_a_longer_name_is_refused_with_the_way_out(shared: Place, tmp_path: Path) -> None:
    dataset = store(shared.app, b"a\n1\n", "ß" * 126 + ".csv", name=unique("longer"))
    arguments = (dataset["file_id"], "--url", shared.url, "--json", "-o")
    _, said = end(begin("pull", *arguments, str(tmp_path)), code=1)
    assert "name it with -o" in said
    end(begin("pull", *arguments, str(tmp_path / "short.csv")))
    assert [path.name for path in tmp_path.iterdir()] == ["short.csv"]


def test_a_killed_push_goes_on_where_it_was(shared: Place, tmp_path: Path) -> None:
    file = random_file(tmp_path / f"{unique()}.bin", 6 * PART)
    arguments = (str(file), "--url", shared.url, "--jobs", str(LANES), "--json")
    before = shared.line.sent
    shared.line.held.clear()
    shared.line.hold_after = before + 3 * PART
    first = begin("push", *arguments)
    assert shared.line.held.wait(60)
    first.kill()
    first.wait()
    shared.line.hold_after = None
    (pushed,), _ = end(begin("push", *arguments))
    assert pushed["sha256"] == sha256(file)
    assert pushed["sent"] + pushed["found"] == file.stat().st_size
    assert pushed["found"] > 0
    assert shared.line.sent - before <= file.stat().st_size + LANES * PART + MIB
    with shared.app.client() as client:
        assert client.get(f"/datasets/{pushed['dataset_id']}").json()["size"] == file.stat().st_size
        assert client.get("/uploads").json()["items"] == []


def test_another_file_of_that_name_and_size_is_an_upload_of_its_own(shared: Place, tmp_path: Path) -> None:
    file = random_file(tmp_path / f"{unique()}.bin", 3 * PART)
    arguments = (str(file), "--url", shared.url, "--jobs", "1", "--json")
    shared.line.held.clear()
    shared.line.hold_after = shared.line.sent + PART + MIB
    first = begin("push", *arguments)
    assert shared.line.held.wait(60)
    first.kill()
    first.wait()
    shared.line.hold_after = None
    random_file(file, 3 * PART)
    (pushed,), _ = end(begin("push", *arguments))
    assert (pushed["sent"], pushed["found"], pushed["sha256"]) == (3 * PART, 0, sha256(file))
    with shared.app.client() as client:
        for upload in client.get("/uploads").json()["items"]:
            client.delete(f"/uploads/{upload['upload_id']}").raise_for_status()


def test_ctrl_c_says_how_to_go_on(shared: Place, tmp_path: Path) -> None:
    file = random_file(tmp_path / f"{unique()}.bin", 3 * PART)
    shared.line.held.clear()
    shared.line.hold_after = shared.line.sent + PART + MIB
    process = begin("push", str(file), "--url", shared.url, "--jobs", "1")
    try:
        assert shared.line.held.wait(60)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=30)
    finally:
        shared.line.hold_after = None
        process.kill()
    assert process.returncode == 130
    assert "run the same command again" in said
    (pushed,), _ = end(begin("push", str(file), "--url", shared.url, "--json"))
    assert pushed["sha256"] == sha256(file)


def test_a_killed_pull_goes_on_where_it_was(shared: Place, tmp_path: Path) -> None:
    data = os.urandom(4 * PART)
    dataset = _stored(shared, tmp_path, data)
    arguments = (dataset, "--url", shared.url, "--jobs", "1", "--json", "-o", str(tmp_path / "out.bin"))
    shared.line.rate = 30_000_000
    process = begin("pull", *arguments)
    note = tmp_path / "out.bin.part.json"
    deadline = time.monotonic() + 60
    while not (note.exists() and json.loads(note.read_text())["pieces"]):
        assert time.monotonic() < deadline
        assert process.poll() is None, process.communicate()
        time.sleep(0.01)
    process.kill()
    process.wait()
    shared.line.rate = None
    assert not (tmp_path / "out.bin").exists()
    (pulled,), _ = end(begin("pull", *arguments))
    assert pulled["found"] >= PART
    assert pulled["got"] + pulled["found"] == len(data)
    assert (tmp_path / "out.bin").read_bytes() == data
    assert {one.name for one in tmp_path.iterdir()} - {"source.bin"} == {"out.bin"}


def test_wrong_bytes_are_never_kept(shared: Place, tmp_path: Path) -> None:
    dataset = _stored(shared, tmp_path, os.urandom(PART + 1))
    _until_checked(shared, dataset)
    shared.line.spoil = True
    try:
        (answer,), said = end(
            begin("pull", dataset, "--url", shared.url, "--json", "-o", str(tmp_path / "out.bin")), code=1
        )
    finally:
        shared.line.spoil = False
    assert "its checksum differs" in answer["error"]
    assert "Nothing was kept" in said
    assert {one.name for one in tmp_path.iterdir()} == {"source.bin"}


def test_what_is_there_already_is_said_and_not_sent(shared: Place, tmp_path: Path) -> None:
    file = random_file(tmp_path / f"{unique()}.bin", PART + MIB)
    (first,), _ = end(begin("push", str(file), "--url", shared.url, "--json"))
    _until_checked(shared, first["dataset_id"])
    (second,), _ = end(begin("push", str(file), "--url", shared.url, "--json"))
    assert (second["skipped"], second["sent"], second["dataset_id"]) == (True, 0, first["dataset_id"])
    (third,), _ = end(begin("push", str(file), "--url", shared.url, "--json", "--again"))
    assert third["dataset_id"] != first["dataset_id"]
    (fourth,), _ = end(
        begin("push", str(file), "--url", shared.url, "--json", "--again", "--dataset", first["dataset_id"])
    )
    with shared.app.client() as client:
        files = client.get(f"/datasets/{first['dataset_id']}").json()["files"]
    assert [one["id"] for one in files] == [fourth["file_id"], first["file_id"]]


def test_a_file_that_is_there_is_not_replaced(shared: Place, tmp_path: Path) -> None:
    dataset = _stored(shared, tmp_path, b"a\n1\n")
    (tmp_path / "out.csv").write_bytes(b"mine")
    _, said = end(begin("pull", dataset, "--url", shared.url, "--quiet", "-o", str(tmp_path / "out.csv")), code=1)
    assert "--force" in said
    assert (tmp_path / "out.csv").read_bytes() == b"mine"


def test_a_folder_goes_up_file_by_file_and_one_bad_name_stops_none(shared: Place, tmp_path: Path) -> None:
    folder = tmp_path / "all"
    (folder / "below").mkdir(parents=True)
    (folder / "below" / "one.csv").write_bytes(b"a\n1\n")
    (folder / "bad\nname.csv").write_bytes(b"a\n2\n")
    (folder / "two.csv").write_bytes(b"a\n3\n")
    (folder / "link.csv").symlink_to(folder / "two.csv")
    answers, said = end(begin("push", "-r", str(folder), "--url", shared.url, "--json", "--again"), code=1)
    assert [answer.get("file") for answer in answers if "error" not in answer] == ["one.csv", "two.csv"]
    assert "Rename the file" in said
    assert "link.csv is a symbolic link, and left out." in said


@pytest.mark.parametrize("as_json", [False, True])
def test_a_folder_that_cannot_be_read_counts_as_failed(
    as_json: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "all" / "shut").mkdir(parents=True)
    (tmp_path / "all" / "elsewhere").symlink_to(tmp_path)
    scandir = os.scandir

    def refuse(path: str) -> Any:
        if Path(path).name == "shut":
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr("os.scandir", refuse)
    answer = CliRunner().invoke(commands, ["push", "-r", str(tmp_path / "all"), *(["--json"] if as_json else [])])
    assert answer.exit_code == 1
    assert f"shut: Permission denied: {tmp_path / 'all' / 'shut'}." in answer.stderr
    assert "elsewhere is a symbolic link, and left out." in answer.stderr
    assert [json.loads(row)["error"][:17] for row in answer.stdout.splitlines()] == ["Permission denied"] * as_json


def test_a_folder_without_a_file_is_wrong_usage(tmp_path: Path) -> None:
    (tmp_path / "empty" / "below").mkdir(parents=True)
    answer = CliRunner().invoke(commands, ["push", "-r", str(tmp_path / "empty")])
    assert answer.exit_code == 2
    assert "There is no file below" in answer.output


@pytest.mark.s3
def test_a_token_is_never_sent_to_the_store(s3_server: S3Server, tmp_path: Path) -> None:
    with place(tmp_path, "minio", s3_server) as made:
        with made.app.client() as client:
            token = client.post("/tokens", json={"name": "push", "scope": "write"}).json()["token"]
        dataset = _stored(made, tmp_path, os.urandom(1000), DATASHELF_TOKEN=token)
        end(begin("pull", dataset, "--url", made.url, "-o", str(tmp_path / "o"), "--json", DATASHELF_TOKEN=token))
        assert b"PUT /" in made.line.said
        assert b"GET /" in made.line.said
        assert token.encode() not in made.line.said


@pytest.mark.s3
def test_links_that_expire_and_an_app_that_is_killed_in_between(s3_server: S3Server, tmp_path: Path) -> None:
    file = random_file(tmp_path / "source.bin", 4 * PART)
    with place(tmp_path, "minio", s3_server, MINIO__PRESIGN_EXPIRY="2") as made:
        made.line.hold_after = PART + MIB
        process = begin("push", str(file), "--url", made.url, "--jobs", "1", "--json")
        assert made.line.held.wait(60)
        made.app.kill()
        time.sleep(2.1)  # every link given out until now has expired
        made.line.hold_after = None
        settings = {name: value for name, value in made.app.env.items() if name.startswith(("MINIO_", "STORAGE_"))}
        again = start_again(made.app.data_dir, settings, port=made.app.port, wait=False)
        try:
            wait_healthy(again)
            (pushed,), _ = end(process)
            assert pushed["sha256"] == sha256(file)
            made.line.rate = 20_000_000  # the pieces take longer, one after the other, than a link lives
            arguments = ("--url", made.url, "--jobs", "1", "--json", "-o", str(tmp_path / "out.bin"))
            end(begin("pull", pushed["dataset_id"], *arguments))
            assert sha256(tmp_path / "out.bin") == pushed["sha256"]
        finally:
            again.stop()


@pytest.mark.s3
def test_a_store_that_refuses_for_a_while_is_waited_for(s3_server: S3Server, tmp_path: Path) -> None:
    file = random_file(tmp_path / "source.bin", 2 * PART)
    with place(tmp_path, "minio", s3_server) as made:
        made.line.answer(503)
        process = begin("push", str(file), "--url", made.url)
        assert process.stderr is not None
        assert "answers 503, SlowDown. Trying again" in process.stderr.readline()
        made.line.answer(None)
        out, said = process.communicate(timeout=60)
        assert process.returncode == 0, said
        assert made.url in out


@pytest.mark.s3
def test_a_store_that_refuses_every_link_ends_it_in_a_sentence(s3_server: S3Server, tmp_path: Path) -> None:
    file = random_file(tmp_path / "source.bin", 1000)
    with place(tmp_path, "minio", s3_server) as made:
        made.line.answer(403, "InvalidAccessKeyId")
        _, said = end(begin("push", str(file), "--url", made.url, "--quiet"), code=1)
        assert "InvalidAccessKeyId" in said
        assert "credentials" in said
        made.line.answer(None)
        (pushed,), _ = end(begin("push", str(file), "--url", made.url, "--json"))
        assert pushed["sha256"] == sha256(file)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["push", "-"], "standard input"),
        (["push", "/nothing/there.csv"], "no file"),
        (["push", "n" * 300], "cannot be read: File name too long."),
        (["push", f"{__file__}/below.csv"], "cannot be read: Not a directory."),
        (["push", str(ROOT / "docs")], "-r"),
        (["push", __file__, "--url", "ftp://x"], "no address of a Datashelf"),
        (["push", __file__, "--patience", "long"], "no length of time"),
        (["push", __file__, str(ROOT / "README.md"), "--name", "x"], "2 files"),
        (["push", __file__, "--name", "x", "--dataset", "y"], "one of them"),
        (["pull", "http://localhost:1/dataset"], "names no id"),
    ],
)
def test_wrong_usage_is_exit_2(arguments: list[str], sentence: str) -> None:
    answer = CliRunner().invoke(commands, arguments)
    assert answer.exit_code == 2
    assert sentence in " ".join(answer.output.replace("│", " ").split())


def test_nobody_there_is_exit_1_once_patience_is_over() -> None:
    _, said = end(begin("pull", "x", "--url", "http://localhost:9", "--patience", "0s", "--quiet"), code=1)
    assert "does not answer" in said


def _stored(where: Place, folder: Path, data: bytes, **env: str) -> str:
    file = folder / "source.bin"
    file.write_bytes(data)
    (pushed,), _ = end(begin("push", str(file), "--url", where.url, "--json", "--again", **env))
    return str(pushed["dataset_id"])


def _until_checked(where: Place, dataset_id: str) -> None:
    deadline = time.monotonic() + 60
    with where.app.client() as client:
        while not client.get(f"/datasets/{dataset_id}").json()["files"][0]["sha256_verified"]:
            assert time.monotonic() < deadline
            time.sleep(0.05)
