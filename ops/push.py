"""`python -m ops push`: files from this machine onto a shelf, over HTTP alone, from wherever the last try ended."""

from __future__ import annotations

import json
import os
import re
import stat
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

import typer

from ops import INTERRUPTED, remote
from ops.digests import SourceChanged
from ops.meters import amount, meter
from ops.remote import Patience, Remote, RemoteError, printable
from ops.sending import Sending, Source, announce, same_content

MOST_LANES = 32
LONGEST_FOLDER = 1000
UNITS = {"s": 1, "m": 60, "h": 3600}

Url = Annotated[str, typer.Option(help="Where Datashelf answers.")]
Jobs = Annotated[int, typer.Option(min=1, max=MOST_LANES, help="How many pieces of a file travel at once.")]
Quiet = Annotated[bool, typer.Option("--quiet", help="Say nothing but the result and what went wrong.")]
AsJson = Annotated[bool, typer.Option("--json", help="A JSON object a file on standard output.")]
Waits = Annotated[str, typer.Option(help="How long to wait for what is away: 90s, 10m, 2h.")]
Token = Annotated[
    str | None, typer.Option(envvar="DATASHELF_TOKEN", show_default=False, help="An API token; better so than typed.")
]


@dataclass(frozen=True)
class Wanted:
    """What was asked for, the same for every file."""

    url: str
    dataset_id: str | None
    name: str | None
    again: bool
    lanes: int
    silent: bool
    waits: timedelta
    token: str | None


@dataclass(frozen=True)
class Pushed:
    """What became of one file. `sent` bytes travelled, `found` were in the store from an earlier try; `skipped`:
    nothing was sent, because the same content is on the shelf."""

    file: str
    dataset_id: str
    file_id: str
    name: str
    url: str
    size: int
    sha256: str | None = None
    sent: int = 0
    found: int = 0
    skipped: bool = False


def push(
    files: Annotated[list[str], typer.Argument(metavar="FILE…", help="Files; folders with -r.")],
    *,
    url: Url = "http://localhost:8501",
    dataset: Annotated[
        str | None, typer.Option(metavar="ID", help="Make each file the next version of this dataset.")
    ] = None,
    name: Annotated[str | None, typer.Option(help="What the new dataset is called.")] = None,
    recursive: Annotated[bool, typer.Option("-r", "--recursive", help="All files below the folders named.")] = False,
    again: Annotated[bool, typer.Option("--again", help="Send a file that is on the shelf already, too.")] = False,
    jobs: Jobs = 4,
    quiet: Quiet = False,
    as_json: AsJson = False,
    patience: Waits = "10m",
    token: Token = None,
) -> None:
    """Put files on the shelf. Run it again after whatever stopped it: only what the store lacks is sent."""
    base, waits = server(url), duration(patience)
    sources, troubles = _named(files, recursive=recursive)
    if name is not None and dataset is not None:
        raise typer.BadParameter("--name is for a new dataset, --dataset names one that is there: give one of them.")
    if name is not None and len(sources) > 1:
        raise typer.BadParameter(f"--name names one dataset, and there are {len(sources)} files.")
    wanted = Wanted(base, dataset, name, again, jobs, quiet or as_json, waits, token)
    for path, trouble in troubles:
        _tell_failed(path, trouble, as_json=as_json)
    failed = bool(troubles)
    for path, folder in sources:
        try:
            done = _push_one(wanted, path, folder)
        except (RemoteError, SourceChanged, OSError) as error:
            failed = True
            _tell_failed(path, error, as_json=as_json)
            continue
        if as_json:
            typer.echo(json.dumps(asdict(done)))
        elif done.skipped and not quiet:
            typer.echo(
                f"{done.file}: on the shelf already, as “{done.name}”; --again sends it all the same. {done.url}"
            )
        else:
            typer.echo(done.url if quiet else f"{done.file}: {done.url}")
    if failed:
        raise typer.Exit(1)


def server(url: str) -> str:
    """The address as typed, checked. Raises typer's error for wrong usage."""
    try:
        return remote.address(url)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None


def duration(text: str) -> timedelta:
    """`90s`, `10m`, `2h`, or seconds. Raises typer's error for wrong usage."""
    found = re.fullmatch(r"(\d{1,6}(?:\.\d{1,3})?)([smh]?)", text.strip())
    if found is None:
        raise typer.BadParameter(f"--patience={text} is no length of time; 90s, 10m and 2h are some.")
    return timedelta(seconds=float(found[1]) * UNITS[found[2] or "s"])


def reason(error: Exception) -> str:
    """An error as a sentence."""
    if isinstance(error, OSError) and error.strerror:
        return f"{error.strerror}: {printable(str(error.filename))}." if error.filename else f"{error.strerror}."
    return str(error)


def str_of(path: Path) -> str:
    """A path for JSON, which cannot hold a name that is not UTF-8."""
    return str(path).encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _tell_failed(path: Path, error: Exception, *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps({"file": str_of(path), "error": reason(error)}))
    typer.echo(f"{printable(path.name)}: {reason(error)}", err=True)


def _push_one(wanted: Wanted, path: Path, folder: str) -> Pushed:
    source = Source.of(path, folder=folder)
    sending: Sending | None = None
    with meter(source.shown, source.size, quiet=wanted.silent) as shown:
        patience = Patience(wanted.waits, shown.say)
        with remote.opened(wanted.url, token=wanted.token, patience=patience) as shelf:
            try:
                if source.size and not wanted.again:
                    known = same_content(shelf, source, dataset_id=wanted.dataset_id)
                    if known is not None:
                        return _skipped(shelf, source, known)
                upload = announce(shelf, source, dataset_id=wanted.dataset_id, name=wanted.name)
                through_app = bool(upload.get("via_app"))
                sending = Sending(
                    shelf, source, upload["upload_id"], upload["part_size"], wanted.lanes, shown, through_app
                )
                done = sending.run()
            except KeyboardInterrupt:
                stored = sending.sent + sending.found if sending else 0
                shown.say(
                    f"Stopped. {amount(stored)} of {amount(source.size)} are in the store; "
                    "run the same command again to go on from there."
                )
                raise typer.Exit(INTERRUPTED) from None
            except SourceChanged as error:
                if sending is not None:
                    patience.halted.clear()
                    shelf.ask("DELETE", f"/uploads/{sending.upload_id}")
                raise SourceChanged(
                    f"{error} Nothing was put on the shelf; run it again for the file as it is now."
                ) from None
    return Pushed(
        file=source.shown,
        dataset_id=done["id"],
        file_id=upload["file_id"],
        name=done["name"],
        url=page(wanted.url, done["id"]),
        size=source.size,
        sha256=sending.sha256,
        sent=sending.sent,
        found=sending.found,
    )


def _skipped(shelf: Remote, source: Source, known: dict[str, Any]) -> Pushed:
    return Pushed(
        file=source.shown,
        dataset_id=known["dataset_id"],
        file_id=known["file_id"],
        name=known["dataset_name"],
        url=page(shelf.url, known["dataset_id"]),
        size=source.size,
        skipped=True,
    )


def page(url: str, dataset_id: str) -> str:
    """A dataset's page."""
    return f"{url}/dataset?id={dataset_id}"


Named = list[tuple[Path, str]]
"""Files, each with the folder it lay in below a folder named."""
Troubles = list[tuple[Path, OSError]]


def _named(files: list[str], *, recursive: bool) -> tuple[Named, Troubles]:
    """Every file named, and what could not be read below the folders. Raises typer's error for wrong usage."""
    found: Named = []
    troubles: Troubles = []
    for text in files:
        path = Path(text)
        if text == "-":
            raise typer.BadParameter(
                "A size has to be announced, and standard input has none: write it to a file and push that."
            )
        try:
            mode = path.stat().st_mode
        except FileNotFoundError:
            raise typer.BadParameter(f"There is no file {printable(text)}.") from None
        except OSError as error:
            raise typer.BadParameter(f"{printable(text)} cannot be read: {error.strerror}.") from None
        if not stat.S_ISDIR(mode):
            if not stat.S_ISREG(mode):
                raise typer.BadParameter(f"{printable(text)} is no regular file.")
            found.append((path, ""))
        elif not recursive:
            raise typer.BadParameter(f"{printable(text)} is a folder; -r sends all files below it.")
        else:
            below, unread = _below(path)
            if not below and not unread:
                raise typer.BadParameter(f"There is no file below {printable(text)}.")
            found += below
            troubles += unread
    return found, troubles


def _below(path: Path) -> tuple[Named, Troubles]:
    """The regular files below a folder; what is left out for being something else is said."""
    found: Named = []
    troubles: Troubles = []

    def unread(error: OSError) -> None:
        troubles.append((Path(error.filename or path), error))

    def paths() -> Iterator[Path]:
        for folder, folders, names in os.walk(path, onerror=unread):
            links = (name for name in folders if Path(folder, name).is_symlink())
            yield from (Path(folder, name) for name in (*links, *names))

    top = path.resolve().name
    for file in sorted(paths()):
        try:
            mode = file.lstat().st_mode
        except OSError as error:
            unread(error)
            continue
        if stat.S_ISREG(mode):
            found.append((file, str_of(Path(top, *file.relative_to(path).parent.parts))[:LONGEST_FOLDER]))
        else:
            what = "a symbolic link" if stat.S_ISLNK(mode) else "no regular file"
            typer.echo(f"{printable(str(file))} is {what}, and left out.", err=True)
    return found, troubles


if __name__ == "__main__":
    # Alone, without what the other commands need: `python -m ops.push` starts at once.
    typer.run(push)
