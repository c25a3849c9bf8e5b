"""Uploads beside the tools people use for them: on loopback, where the processor is the limit, and over a bad line.

The same file to the same store in each case. Chromium hashes each part where a page may (localhost is a secure
context); under another name of this machine it may not, and goes without.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from minio import Minio
from playwright.sync_api import Page

from bench import browser, files
from bench.figures import Figure
from bench.line import Line, line
from bench.scale import MIB, Scale
from bench.servers import datashelf, until_read
from bench.usage import watched
from tests.app_server import RunningApp
from tests.seaweed import SeaweedServer

LANES = 4
BARE_PART = 64 * MIB
BUCKET = "mlops-files"
PLAIN_HOST = "shelf.test"
"""A name of this machine that is no secure context to a browser."""
CURL = "curl -T to a presigned URL of the same store"
BARE = "a bare page that puts one piece of 64 MiB after the other: what the browser itself can do"
_PUT_PIECES = """async ([urls, size]) => {
  const file = document.querySelector("input").files[0];
  for (const [number, url] of urls.entries()) {
    const answer = await fetch(url, { method: "PUT", body: file.slice(number * size, (number + 1) * size, "") });
    if (!answer.ok) throw new Error(`the store answered ${answer.status}`);
  }
}"""


@dataclass(frozen=True)
class Way:
    """One way of bringing `file` to the store; `run` is timed."""

    name: str
    run: Callable[[], None]


def beside_others(scale: Scale, folder: Path) -> list[Figure]:
    """Chromium, hashed and unhashed, beside one `curl -T`, four of them, rclone, minio-py and a page that does nothing
    else; and the app's memory.
    """
    file = files.random_file(folder / "upload.bin", scale.sent)
    options = [f"--host-resolver-rules=MAP {PLAIN_HOST} 127.0.0.1"]
    with (
        datashelf(folder / "shelf", "minio", env={"ALLOWED_HOSTS": PLAIN_HOST}) as (app, store),
        browser.page(options=options) as page,
    ):
        assert store is not None
        quarters = _quarters(file, folder)

        hashed = Way("hashed", lambda: browser.pick_for_datashelf(page, file))
        unhashed = Way("unhashed", lambda: browser.pick_for_datashelf(page, file))
        others = [
            Way("curl", lambda: _curl([(file, _put_url(store))])),
            Way(
                "4 curl -T at once, a quarter each, as mc sends",
                lambda: _curl([(q, _put_url(store)) for q in quarters]),
            ),
            Way("rclone copy, 4 lanes", lambda: _rclone(store, file)),
            Way("minio-py, 4 lanes of 16 MiB, hashed", lambda: _minio_py(store, file)),
        ]
        bare = Way(BARE, lambda: _bare(page, store, file))
        seconds: dict[str, list[float]] = {}
        growth: list[float] = []
        for _ in range(scale.rounds):
            for way in others:
                seconds.setdefault(way.name, []).append(_seconds(way.run))
            page.goto(f"{app.url}/api/health/live")
            page.evaluate("document.body.innerHTML = '<input type=file>'")
            page.locator("input").set_input_files(file)
            seconds.setdefault(bare.name, []).append(_seconds(bare.run))
            for way, host in ((hashed, "localhost"), (unhashed, PLAIN_HOST)):
                _make_another(file)
                _open_upload(page, f"http://{host}:{app.port}", wait_ms=1500)
                with watched(app.process.pid, alone=True) as watch:
                    seconds.setdefault(way.name, []).append(_seconds(way.run))
                growth.append(watch.growth)
                _until_newest_is_read(app)
    speed = {name: scale.sent / 1e6 / median(took) for name, took in seconds.items()}
    what = f"upload {scale.sent / 1e6:,.0f} MB from Chromium"
    figures = [
        _speed(f"{what}, unhashed", speed["unhashed"], speed["curl"], CURL, 0.8),
        _speed(f"{what}, every part hashed", speed["hashed"], speed["curl"], CURL, 0.6),
        Figure(f"{what}, unhashed", speed["unhashed"], "MB/s", speed[BARE], BARE),
    ]
    figures += [
        Figure(f"{what}, every part hashed", speed["hashed"], "MB/s", speed[way.name], way.name) for way in others[1:]
    ]
    most = max(growth[2:] or growth)  # the first of each loads what the app needs for any upload
    figures.append(
        Figure(f"{what}: the app's memory at its highest, above before", most, "MB", None, "", "≤ +8 MB", most <= 8)
    )
    return figures


def over_line(scale: Scale, folder: Path) -> list[Figure]:
    """Chromium, `ops push` and rclone beside one `curl -T`, over 50 ms there and back and 1 % loss each way."""
    file = files.random_file(folder / "line.bin", scale.sent_over_line)
    with datashelf(folder / "line", "minio") as (app, store):
        assert store is not None
        with line([app.port, int(store.endpoint.rpartition(":")[2])]) as made:
            curl = _seconds(lambda: _curl([(file, _put_url(store))], made))
            rclone = _seconds(lambda: _rclone(store, file, made))
            _make_another(file)
            push = _seconds(lambda: _push(app, file, made))
            _make_another(file)
            first = files.random_file(folder / "first.bin", MIB)
            with browser.page(program=made.script(folder, "chromium")) as page:
                # What the app loads with the first upload is not the file's.
                _open_upload(page, app.url, wait_ms=3000)
                browser.pick_for_datashelf(page, first)
                _open_upload(page, app.url, wait_ms=3000)
                with watched(app.process.pid, alone=True) as watch:
                    ours = _seconds(lambda: browser.pick_for_datashelf(page, file))
    size = scale.sent_over_line / 1e6
    what = f"upload {size:,.0f} MB over 50 ms and 1 % loss"
    return [
        _speed(f"{what}, from Chromium", size / ours, size / curl, CURL, 1.5),
        Figure(f"{what}, ops push", size / push, "MB/s", size / curl, CURL),
        Figure(f"{what}, from Chromium", size / ours, "MB/s", size / rclone, "rclone copy, 4 lanes"),
        Figure(
            f"{what}: the app's memory at its highest, above before", watch.growth, "MB", None, "", "≤ +8 MB",
            watch.growth <= 8,
        ),
    ]  # fmt: skip


def _speed(what: str, value: float, peer: float, peer_name: str, least: float) -> Figure:
    return Figure(f"{what}: throughput", value, "MB/s", peer, peer_name, f"≥ {least} ×", value / peer >= least)


def _put_url(store: SeaweedServer) -> str:
    client = Minio(store.endpoint, store.access_key, store.secret_key, secure=store.secure, region=store.region)
    return str(client.presigned_put_object(BUCKET, f"bench/{uuid.uuid4()}"))


def _open_upload(page: Page, url: str, *, wait_ms: int) -> None:
    """The Upload screen; the wait is until it is drawn: nobody picks a file faster."""
    page.goto(f"{url}/upload")
    page.locator("input[type=file]").first.wait_for(state="attached")
    page.wait_for_timeout(wait_ms)


def _bare(page: Page, store: SeaweedServer, file: Path) -> None:
    urls = [_put_url(store) for _ in range(0, file.stat().st_size, BARE_PART)]
    page.evaluate(_PUT_PIECES, [urls, BARE_PART])


def _curl(sent: Sequence[tuple[Path, str]], made: Line | None = None) -> None:
    """One `curl -T` for each file, all at once."""
    commands = [["curl", "-sS", "-f", "-o", os.devnull, "-T", str(file), url] for file, url in sent]
    running = [subprocess.Popen(made.command(command) if made else command) for command in commands]
    codes = [one.wait() for one in running]
    if any(codes):
        raise RuntimeError(f"curl ended with {codes}")


def _rclone(store: SeaweedServer, file: Path, made: Line | None = None) -> None:
    """`rclone copy` with parts as large and lanes as many as ours."""
    command = ["rclone", "copyto", str(file), f":s3:{BUCKET}/bench/{uuid.uuid4()}", "--config", os.devnull]
    command += ["--s3-provider=Other", f"--s3-endpoint={store.url}", "--s3-no-check-bucket", "--s3-upload-cutoff=0"]
    command += [f"--s3-upload-concurrency={LANES}", "--s3-chunk-size=16M"]
    # rclone would take a certificate, a profile or a region of AWS's from these.
    env = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    env |= {"RCLONE_S3_ACCESS_KEY_ID": store.access_key, "RCLONE_S3_SECRET_ACCESS_KEY": store.secret_key}
    subprocess.run(made.command(command) if made else command, check=True, env=env)


def _minio_py(store: SeaweedServer, file: Path) -> None:
    client = Minio(store.endpoint, store.access_key, store.secret_key, secure=store.secure, region=store.region)
    client.fput_object(BUCKET, f"bench/{uuid.uuid4()}", str(file), part_size=16 * MIB, num_parallel_uploads=LANES)


def _push(app: RunningApp, file: Path, made: Line) -> None:
    command = [sys.executable, "-m", "ops.push", str(file), "--url", app.url, "--quiet", "--again"]
    subprocess.run(made.command(command), check=True, cwd=Path(__file__).parent.parent, stdout=subprocess.DEVNULL)


def _make_another(file: Path) -> None:
    """Another content at both ends: what is on the shelf already would not be sent."""
    with file.open("r+b") as changed:
        for place in (0, max(0, file.stat().st_size - 16)):
            changed.seek(place)
            changed.write(os.urandom(16))


def _quarters(file: Path, folder: Path) -> list[Path]:
    size = -(-file.stat().st_size // LANES)
    made = [folder / f"quarter-{number}.bin" for number in range(LANES)]
    with file.open("rb") as source:
        for path in made:
            path.write_bytes(source.read(size))
    return made


def _until_newest_is_read(app: RunningApp) -> None:
    with app.client() as client:
        until_read(app, client.get("/datasets?limit=1").json()["items"][0]["file_id"])


def _seconds(act: Callable[[], None]) -> float:
    begin = time.perf_counter()
    act()
    return time.perf_counter() - begin
