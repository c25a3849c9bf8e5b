"""What the wiring itself does: the secret that signs local links."""

from __future__ import annotations

import errno
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from services import current, signing_secret
from settings import SettingsError, load


def test_secret_is_made_once_and_only_the_owner_may_read_it(tmp_path: Path) -> None:
    settings = load(data_dir=tmp_path / "data")
    first = signing_secret(settings)
    assert len(first) >= 32
    assert signing_secret(settings) == first
    assert stat.S_IMODE((tmp_path / "data" / "secret_key").stat().st_mode) == 0o600
    assert [path.name for path in (tmp_path / "data").iterdir()] == ["secret_key"]
    # The database, with everybody's addresses and hashes, will lie beside it.
    assert stat.S_IMODE((tmp_path / "data").stat().st_mode) == 0o700


def test_secret_that_is_there_is_read_from_a_folder_that_takes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    settings = load(data_dir=tmp_path / "data")
    monkeypatch.setattr("services.tempfile.NamedTemporaryFile", refuse)
    with pytest.raises(SettingsError, match="Read-only file system"):
        signing_secret(settings)
    (tmp_path / "data" / "secret_key").write_bytes(b"s" * 64)
    assert signing_secret(settings) == b"s" * 64


def test_starts_at_the_same_moment_end_with_one_secret(tmp_path: Path) -> None:
    settings = load(data_dir=tmp_path / "data")
    with ThreadPoolExecutor(8) as threads:
        secrets = set(threads.map(lambda _: signing_secret(settings), range(32)))
    assert len(secrets) == 1


def test_given_secret_wins_and_none_is_made(tmp_path: Path) -> None:
    settings = load(data_dir=tmp_path / "data", secret_key="s" * 40)
    assert signing_secret(settings) == b"s" * 40
    assert not (tmp_path / "data").exists()


def test_data_folder_that_cannot_be_made_is_a_setting_to_mend(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(SettingsError, match="DATA_DIR"):
        signing_secret(load(data_dir=tmp_path / "file" / "data"))


def test_services_are_there_only_while_the_app_runs() -> None:
    with pytest.raises(RuntimeError, match="not running"):
        current()
