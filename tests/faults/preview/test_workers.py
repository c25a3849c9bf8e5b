"""Workers that are killed, spin, eat memory or lose their owner."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from datetime import timedelta
from pathlib import Path

import psutil
import pytest

from preview import Limits, Previewer, Source
from preview.errors import TimedOut, TooBig, WorkerCrashed
from preview.limits import MB
from preview.pool import Pool
from tests.unit.preview.range_server import serving
from tests.worker_processes import workers

ROOT = Path(__file__).resolve().parents[3]


def csv(folder: Path) -> Source:
    path = folder / "x.csv"
    path.write_text("a,b\n1,2\n")
    return Source(path.as_uri(), path.stat().st_size, path.name)


def test_a_worker_killed_in_mid_read_costs_one_retry(tmp_path: Path) -> None:
    previewer = Previewer(Limits(), workers=1)
    try:
        source = csv(tmp_path)
        previewer.preview(source)
        workers()[0].send_signal(signal.SIGKILL)
        assert previewer.preview(source).total_rows == 1
        workers()[0].send_signal(signal.SIGSEGV)
        assert previewer.preview(source).total_rows == 1
    finally:
        previewer.close()


def test_a_file_that_kills_every_worker_ends_in_a_sentence(tmp_path: Path) -> None:
    previewer = Previewer(Limits(), workers=1)
    hunt = threading.Event()

    def hunter() -> None:
        while not hunt.is_set():
            for worker in workers():
                worker.kill()
            time.sleep(0.02)

    thread = threading.Thread(target=hunter)
    thread.start()
    try:
        with pytest.raises(WorkerCrashed, match="stopped its reader twice"):
            previewer.preview(csv(tmp_path))
    finally:
        hunt.set()
        thread.join()
        assert previewer.preview(csv(tmp_path)).total_rows == 1
        previewer.close()


def test_a_read_that_takes_too_long_is_stopped_and_its_worker_replaced(tmp_path: Path) -> None:
    (tmp_path / "slow.csv").write_text("a,b\n" + "1,2\n" * 1000)
    previewer = Previewer(Limits(timeout=timedelta(seconds=2)), workers=1)
    with serving(tmp_path) as server:
        server.pause = 60.0
        try:
            with pytest.raises(TimedOut, match=r"longer than 2 s"):
                previewer.preview(server.source("slow.csv"))
            assert previewer.preview(csv(tmp_path)).total_rows == 1
        finally:
            server.pause = 0.0
            previewer.close()


def test_waiting_for_a_worker_is_not_timed(tmp_path: Path) -> None:
    (tmp_path / "slow.csv").write_text("a,b\n1,2\n")
    previewer = Previewer(Limits(timeout=timedelta(seconds=3)), workers=1)
    with serving(tmp_path) as server:
        server.pause = 0.6
        source = server.source("slow.csv")
        outcomes: list[object] = []

        def read() -> None:
            outcomes.append(previewer.preview(source).total_rows)

        threads = [threading.Thread(target=read) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        previewer.close()
    assert outcomes == [1] * 8


def test_memory_past_the_limit_is_a_sentence_and_not_a_crash(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_text('{"a":[' + "[]," * 4_000_000 + "[]]}")
    previewer = Previewer(Limits(memory=200 * MB), workers=1)
    try:
        with pytest.raises(TooBig, match="200 MB"):
            previewer.preview(Source(path.as_uri(), path.stat().st_size, path.name))
    finally:
        previewer.close()


def test_workers_see_no_secret_of_the_app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MINIO__SECRET_KEY", "very-secret")
    previewer = Previewer(Limits(), workers=1)
    try:
        previewer.preview(csv(tmp_path))
        environment = workers()[0].environ()
        assert "very-secret" not in str(environment)
        assert workers()[0].num_fds() < 12
    finally:
        previewer.close()


OWNER = """
    import sys, threading, time
    from pathlib import Path
    from preview import Limits, Previewer, Source

    path = Path(sys.argv[1])
    previewer = Previewer(Limits(), workers=2)
    source = Source(path.as_uri(), path.stat().st_size, path.name)
    # Started from a thread that ends: the worker must outlive the thread and not the process.
    thread = threading.Thread(target=previewer.preview, args=(source,))
    thread.start()
    thread.join()
    time.sleep(0.3)
    assert previewer.preview(source).total_rows == 1
    import psutil
    print([child.pid for child in psutil.Process().children()], flush=True)
    {ending}
"""


@pytest.mark.parametrize("ending", ["time.sleep(60)", "pass"])
def test_no_worker_outlives_its_owner(tmp_path: Path, ending: str) -> None:
    source = csv(tmp_path)
    script = textwrap.dedent(OWNER.format(ending=ending))
    owner = subprocess.Popen(
        [sys.executable, "-c", script, source.url.removeprefix("file://")], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert owner.stdout is not None
    pids = [int(pid) for pid in owner.stdout.readline().strip("[]\n").split(",")]
    assert len(pids) == 1
    if ending != "pass":
        owner.send_signal(signal.SIGKILL)
    owner.wait(20)
    owner.stdout.close()
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline and any(map(_alive, pids)):
        time.sleep(0.05)
    assert not any(map(_alive, pids))


def test_a_worker_that_spins_in_native_code_ends_with_its_owner(tmp_path: Path) -> None:
    script = textwrap.dedent("""
        import os, sys
        from preview.worker import end_with

        read, write = os.pipe()
        child = os.fork()
        if not child:
            os.close(write)
            end_with(read)
            # One call into C that holds the interpreter's lock for minutes.
            sys.set_int_max_str_digits(0)
            str(1 << 80_000_000)
        print(child, flush=True)
        os.kill(os.getpid(), 9)
    """)
    owner = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, stdout=subprocess.PIPE, text=True, timeout=20, check=False
    )
    pid = int(owner.stdout)
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline and _alive(pid):
        time.sleep(0.05)
    alive = _alive(pid)
    if alive:
        os.kill(pid, signal.SIGKILL)
    assert not alive


def test_a_worker_does_not_run_the_main_script(tmp_path: Path) -> None:
    source = csv(tmp_path)
    script = tmp_path / "main.py"
    script.write_text(
        "import sys\n"
        "from preview import Limits, Previewer, Source\n"
        f"open({str(tmp_path / 'runs')!r}, 'a').write('x')\n"
        f"print(Previewer(Limits(), 1).preview(Source({source.url!r}, {source.size}, 'x.csv')).total_rows)\n"
    )
    answer = subprocess.run(
        [sys.executable, str(script)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert answer.stdout.strip() == "1", answer.stderr
    assert (tmp_path / "runs").read_text() == "x"


def test_closing_a_pool_in_mid_read_ends_the_read(tmp_path: Path) -> None:
    (tmp_path / "slow.csv").write_text("a,b\n1,2\n")
    pool = Pool("preview", size=1, memory=1024 * MB, nice=0, idle=timedelta(seconds=60))
    with serving(tmp_path) as server:
        server.pause = 10.0
        source = server.source("slow.csv")
        task = {
            "source": {"url": source.url, "size": source.size, "file_name": source.file_name},
            "rows": 1,
            "offset": 0,
            "limits": Limits().to_plain(),
        }
        failures: list[BaseException] = []

        def read() -> None:
            try:
                pool.run(task, timeout=timedelta(seconds=30))
            except WorkerCrashed as error:
                failures.append(error)

        thread = threading.Thread(target=read)
        thread.start()
        while not server.waiting:
            time.sleep(0.02)
        pool.close()
        thread.join(5)
        server.pause = 0.0
        assert not thread.is_alive()
        assert len(failures) == 1


def _alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
