"""`python -m ops pull`: a file from a shelf onto this machine, over HTTP alone, checked before it has its name."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import parse_qs, urlsplit

import typer

from ops import INTERRUPTED, remote
from ops.fetching import LONGEST_NAME, Fetching, Wanted
from ops.meters import amount, meter
from ops.push import AsJson, Jobs, Quiet, Token, Waits, duration, reason, server, str_of
from ops.remote import Patience, Refused, Remote, RemoteError, printable

DEFAULT_URL = "http://localhost:8501"


@dataclass(frozen=True)
class Pulled:
    """What was fetched. `got` bytes travelled, `found` were here from an earlier try; `checked`: whether the catalogue
    knew a checksum to hold it against."""

    path: str
    file_id: str
    size: int
    sha256: str
    checked: bool
    got: int
    found: int


def pull(
    name: Annotated[str, typer.Argument(metavar="ID", help="Of a dataset or a file, or a dataset's page.")],
    *,
    url: Annotated[
        str | None, typer.Option(help=f"Where Datashelf answers; {DEFAULT_URL}, or the page's own address.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="PATH", help="A file or a folder; here, by its name.")
    ] = None,
    version: Annotated[int | None, typer.Option(min=1, help="Of the dataset; the newest where left out.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there.")] = False,
    jobs: Jobs = 4,
    quiet: Quiet = False,
    as_json: AsJson = False,
    patience: Waits = "10m",
    token: Token = None,
) -> None:
    """Fetch a file. Run it again after whatever stopped it: what is in NAME.part is not fetched again."""
    base, item, page_version = _place(name, url)
    waits, silent = duration(patience), quiet or as_json
    try:
        done = _pull_one(
            base,
            item,
            version or page_version,
            output,
            force=force,
            lanes=jobs,
            silent=silent,
            waits=waits,
            token=token,
        )
    except (RemoteError, OSError) as error:
        if as_json:
            typer.echo(json.dumps({"id": item, "error": reason(error)}))
        typer.echo(reason(error), err=True)
        raise typer.Exit(1) from None
    if as_json:
        typer.echo(json.dumps(asdict(done)))
    elif quiet:
        typer.echo(done.path)
    else:
        compared = "its checksum is right" if done.checked else "no checksum is known of it yet"
        typer.echo(f"{printable(done.path)}: {amount(done.size)}, {compared}.")


def _place(name: str, url: str | None) -> tuple[str, str, int | None]:
    """The app's address, the id, and a version where a page names one. Raises typer's error for wrong usage."""
    if "://" not in name:
        return server(url or DEFAULT_URL), name.strip(), None
    parts = urlsplit(name)
    query = parse_qs(parts.query)
    shown = query.get("v", [""])[0]
    base = name.partition("?")[0].rstrip("/").removesuffix("/dataset")
    if "id" not in query:
        raise typer.BadParameter(f"{printable(name)} is no page of a dataset: it names no id.")
    return server(url or base), query["id"][0], int(shown) if shown.isdecimal() else None


def _pull_one(
    url: str,
    item: str,
    version: int | None,
    output: Path | None,
    *,
    force: bool,
    lanes: int,
    silent: bool,
    waits: timedelta,
    token: str | None,
) -> Pulled:
    patience = Patience(waits, (lambda _: None) if silent else (lambda said: typer.echo(said, err=True)))
    with remote.opened(url, token=token, patience=patience) as shelf:
        wanted = _wanted(shelf, item, version)
        target = _target(output, wanted.name)
        if len(os.fsencode(target.name)) > LONGEST_NAME:
            raise RemoteError(
                f"“{printable(target.name)}” is longer than the {LONGEST_NAME} bytes that a file's name may have here: "
                "name it with -o."
            )
        if target.exists() and not force:
            raise FileExistsError(17, "There is a file already, which --force replaces", str(target))
        with meter(printable(target.name), wanted.size, quiet=silent) as shown:
            patience.tell = shown.say
            # Asked for once, and counted; links for the rest of it are not.
            link = patience.run(lambda: shelf.send("GET", f"/files/{wanted.file_id}/download")).headers["location"]
            fetching = Fetching(shelf, wanted, target, lanes, shown, _link=link)
            try:
                sha256 = fetching.run(replace=force)
            except KeyboardInterrupt:
                shown.say(f"Stopped. What has arrived is in {fetching.part}; run the same command again to go on.")
                raise typer.Exit(INTERRUPTED) from None
    checked = wanted.sha256 is not None or bool(wanted.parts)
    return Pulled(str_of(target), wanted.file_id, wanted.size, sha256, checked, fetching.got, fetching.found)


def _wanted(shelf: Remote, item: str, version: int | None) -> Wanted:
    """The file that an id means. Raises RemoteError."""
    file: dict[str, Any]
    try:
        files = shelf.ask("GET", f"/datasets/{item}")["files"]
    except Refused as error:
        if error.status != 404 or version is not None:
            raise
        try:
            file = shelf.ask("GET", f"/files/{item}")
        except Refused as other:
            if other.status != 404:
                raise
            raise RemoteError(f"There is no dataset and no file {printable(item[:100])} at {shelf.url}.") from None
    else:
        found = [one for one in files if version in (None, one["version"])]
        if not found:
            known = ", ".join(str(one["version"]) for one in files) or "none yet"
            raise RemoteError(f"The dataset has no version {version}; it has {known}.")
        file = found[0]
    return Wanted(file["id"], file["file_name"], file["size"], file["sha256"], _parts(shelf, file["id"]))


def _parts(shelf: Remote, file_id: str) -> tuple[tuple[int, int, str], ...]:
    try:
        known = shelf.ask("GET", f"/files/{file_id}/parts")
    except Refused as error:
        if error.status in (404, 405):
            return ()  # a server of 0.1 knows none
        raise
    size = known["part_size"]
    return tuple(
        (size * (part["number"] - 1), part["size"], part["sha256"]) for part in known["parts"] if part["sha256"]
    )


def _target(output: Path | None, file_name: str) -> Path:
    """Where the file goes. Whatever a server calls it, that is one name in one folder."""
    safe = "".join("_" if c in "/\\\0" or not c.isprintable() else c for c in file_name)
    safe = "_" if safe.strip() in ("", ".", "..") else safe
    if output is None:
        return Path(safe)
    return output / safe if output.is_dir() else output


if __name__ == "__main__":
    # Alone, as `python -m ops.push`.
    typer.run(pull)
