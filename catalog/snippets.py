"""Code that reads a file of the shelf from elsewhere, to be pasted and run as it stands.

Every Python snippet asks the API for a signed link first and then reads that link: pandas and requests hand the API's
credentials on to the store when they follow the redirect of `/download` themselves. Polars and DuckDB read a temporary
copy, because their own HTTP clients begin with a HEAD, which a link signed for GET refuses, or are not part of the
plain installation.

Where people sign in, the snippets take an API token from the environment. It goes to the API and no further: urllib is
told not to repeat the header at a redirect, and curl by itself repeats it to no other host or port (since 7.83).
"""

from __future__ import annotations

import json
import shlex
from dataclasses import dataclass
from pathlib import PurePath
from typing import Protocol

from catalog.views import FileVersion
from preview.formats import TEXT_FORMATS, wrapping_of

SEPARATORS = {"psv": "|", "ssv": ";", "tsv": r"\t", "tab": r"\t"}
EXCEL = ("xlsx", "xls", "ods")
_THIRD_PARTY = ("duckdb", "pyarrow.feather", "pyarrow.ipc", "zstandard")
_FETCH = "path, _ = urllib.request.urlretrieve(url)"
_DUCKDB_QUERY = 'print(duckdb.sql("SELECT * FROM data LIMIT 10"))'
_INDENT = "    "
TOKEN = "DATASHELF_TOKEN"  # noqa: S105  # the name of a variable of the environment
_TOKEN_LINE = f"# {TOKEN}: a token, made under Account; in a shell: export {TOKEN}=ds_…"


@dataclass(frozen=True, slots=True)
class Reading:
    """How one library reads one file, once `url` is a link to it."""

    packages: str
    imports: tuple[str, ...]
    lines: tuple[str, ...]


class Named(Protocol):
    """What is known of a file that is to be read: how it is called, and its format (DESIGN's `csv` … `other`)."""

    @property
    def file_name(self) -> str: ...
    @property
    def format(self) -> str: ...


def snippets(base_url: str, file: FileVersion, *, with_token: bool = False) -> dict[str, str]:
    """Snippets by name (pandas, Polars, DuckDB, curl); only curl where there is no table to read.

    `base_url` is where the reader reaches Datashelf, without a trailing slash; `with_token`: they sign in with the
    token in DATASHELF_TOKEN.
    """
    address = f"{base_url}/api/ml/v1/files/{file.id}"
    texts = {
        name: _python(f"{address}/download-url", reading, with_token=with_token)
        for name, reading in _readings(file).items()
    }
    return texts | {"curl": _curl(f"{address}/download", file, with_token=with_token)}


def link_snippets(url: str, file: Named, *, with_password: bool) -> dict[str, str]:
    """Snippets by name for whoever has a share link; `url` is its raw address, which stays and needs no signature.

    Only curl where there is no table, and where the link has a password: the Python libraries would send it on to the
    store. curl asks for it at the terminal, so that no history of a shell keeps it.
    """
    found = {} if with_password else _readings(file)
    texts = {name: _python_of_link(url, reading) for name, reading in found.items()}
    password = " -u link" if with_password else ""
    return texts | {"curl": f"curl -fL{password} -o {_shell_name(file.file_name)} {shlex.quote(url)}"}


def _readings(file: Named) -> dict[str, Reading]:
    if file.format in TEXT_FORMATS:
        return {"pandas": _pandas_text(file), "Polars": _polars_text(file), "DuckDB": _duckdb_text(file)}
    if wrapping_of(file.file_name) is None and file.format in ("parquet", "arrow", *EXCEL):
        return {"pandas": _pandas_binary(file), "Polars": _polars_binary(file), "DuckDB": _duckdb_binary(file)}
    return {}


def _python_of_link(url: str, reading: Reading) -> str:
    standard, others = _imports(reading)
    if _FETCH in reading.lines:
        standard = {*standard, "urllib.request"}
    return "\n".join(
        [
            f"# pip install {reading.packages}",
            *(f"import {name}" for name in sorted(standard)),
            *([""] if standard else ()),
            *(f"import {name}" for name in sorted(others)),
            "",
            f"url = {json.dumps(url)}",
            *reading.lines,
        ]
    )


def _imports(reading: Reading) -> tuple[set[str], list[str]]:
    """Those of Python itself, and the others."""
    standard = {name for name in reading.imports if " as " not in name and name not in _THIRD_PARTY}
    return standard, [name for name in reading.imports if name not in standard]


def _curl(address: str, file: FileVersion, *, with_token: bool) -> str:
    told = f"{_TOKEN_LINE}\n" if with_token else ""
    header = f' -H "Authorization: Bearer ${TOKEN}"' if with_token else ""
    return f"{told}curl -fL{header} -o {_shell_name(file.file_name)} {shlex.quote(address)}"


def _python(address: str, reading: Reading, *, with_token: bool) -> str:
    standard, others = _imports(reading)
    if with_token:
        standard.add("os")
        ask = [
            f"request = urllib.request.Request({json.dumps(address)})",
            f'request.add_unredirected_header("Authorization", f"Bearer {{os.environ[\'{TOKEN}\']}}")',
            "with urllib.request.urlopen(request) as answer:",
        ]
    else:
        ask = [f"with urllib.request.urlopen({json.dumps(address)}) as answer:"]
    return "\n".join(
        [
            f"# pip install {reading.packages}",
            *([_TOKEN_LINE] if with_token else ()),
            *(f"import {name}" for name in sorted({"json", "urllib.request", *standard})),
            "",
            *(f"import {name}" for name in sorted(others)),
            "",
            *ask,
            '    url = json.load(answer)["url"]',
            "",
            *reading.lines,
        ]
    )


def _pandas_text(file: Named) -> Reading:
    wrapping = wrapping_of(file.file_name)
    arguments = _arguments(
        ("sep", _separator(file)),
        ("lines", file.format == "jsonl"),
        # The link ends in a signature, not in the file's name, so pandas cannot tell by itself.
        ("compression", wrapping),
    )
    reader = "read_csv" if file.format in ("csv", "tsv") else "read_json"
    packages = "pandas zstandard" if wrapping == "zstd" else "pandas"
    return Reading(packages, ("pandas as pd",), (f"df = pd.{reader}(url{arguments})", "print(df)"))


def _polars_text(file: Named) -> Reading:
    imports, unpack = _unpacking(file, native=("gzip", "zstd") if file.format in ("csv", "tsv") else ())
    reader = {"json": "read_json", "jsonl": "read_ndjson"}.get(file.format, "read_csv")
    # None: look at every row before the types are chosen, so that none fails to fit.
    arguments = _arguments(("separator", _separator(file))) + ", infer_schema_length=None"
    packages = "polars zstandard" if "zstandard" in imports else "polars"
    return Reading(
        packages,
        ("polars as pl", *imports),
        (_FETCH, *unpack, f"df = pl.{reader}(path{arguments})", "print(df)"),
    )


def _duckdb_text(file: Named) -> Reading:
    wrapping = wrapping_of(file.file_name)
    native = wrapping in ("gzip", "zstd")
    imports, unpack = _unpacking(file, native=("gzip", "zstd"))
    arguments = _arguments(
        ("sep", _separator(file)),
        ("format", "newline_delimited" if file.format == "jsonl" else None),
        ("compression", wrapping if native else None),
    )
    reader = "read_csv" if file.format in ("csv", "tsv") else "read_json"
    lines = (_FETCH, *unpack, f"data = duckdb.{reader}(path{arguments})", _DUCKDB_QUERY)
    return Reading("duckdb", ("duckdb", *imports), lines)


def _pandas_binary(file: Named) -> Reading:
    if file.format == "parquet":
        return Reading("pandas pyarrow", ("pandas as pd",), ("df = pd.read_parquet(url)", "print(df)"))
    if file.format == "arrow":
        return Reading("pandas pyarrow", _arrow_imports(file), (*_arrow(file), "df = data.to_pandas()", "print(df)"))
    lines = ('df = pd.read_excel(url, engine="calamine")', "print(df)")
    return Reading("pandas python-calamine", ("pandas as pd",), lines)


def _polars_binary(file: Named) -> Reading:
    if file.format == "parquet":
        return Reading("polars", ("polars as pl",), (_FETCH, "df = pl.read_parquet(path)", "print(df)"))
    if file.format == "arrow":
        reader = "read_ipc_stream" if _is_stream(file) else "read_ipc"
        return Reading("polars", ("polars as pl",), (_FETCH, f"df = pl.{reader}(path)", "print(df)"))
    lines = ('df = pl.from_pandas(pd.read_excel(url, engine="calamine"))', "print(df)")
    return Reading("polars pandas pyarrow python-calamine", ("pandas as pd", "polars as pl"), lines)


def _duckdb_binary(file: Named) -> Reading:
    if file.format == "parquet":
        return Reading("duckdb", ("duckdb",), (_FETCH, "data = duckdb.read_parquet(path)", _DUCKDB_QUERY))
    if file.format == "arrow":
        return Reading("duckdb pyarrow", ("duckdb", *_arrow_imports(file)), (*_arrow(file), _DUCKDB_QUERY))
    lines = ('data = pd.read_excel(url, engine="calamine")', _DUCKDB_QUERY)
    return Reading("duckdb pandas python-calamine", ("duckdb", "pandas as pd"), lines)


def _arrow_imports(file: Named) -> tuple[str, ...]:
    return ("pyarrow.ipc",) if _is_stream(file) else ("pyarrow.feather",)


def _arrow(file: Named) -> tuple[str, ...]:
    if _is_stream(file):
        return (_FETCH, 'with open(path, "rb") as stream:', "    data = pyarrow.ipc.open_stream(stream).read_all()")
    return (_FETCH, "data = pyarrow.feather.read_table(path)")


def _is_stream(file: Named) -> bool:
    return file.file_name.lower().endswith(".arrows")


def _unpacking(file: Named, *, native: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Imports and lines that turn `path` into the path of the unpacked file; none where the library unpacks itself."""
    wrapping = wrapping_of(file.file_name)
    if wrapping is None or wrapping in native:
        return (), ()
    if wrapping == "zip":
        lines: tuple[str, ...] = (
            "with zipfile.ZipFile(path) as archive:",
            _INDENT + "path = archive.extract(archive.namelist()[0], tempfile.mkdtemp())",
        )
        return ("tempfile", "zipfile"), lines
    module = {"gzip": "gzip", "bz2": "bz2", "xz": "lzma", "zstd": "zstandard"}[wrapping]
    lines = (
        f"with {module}.open(path) as packed, tempfile.NamedTemporaryFile(delete=False) as plain:",
        _INDENT + "shutil.copyfileobj(packed, plain)",
        "path = plain.name",
    )
    return (module, "shutil", "tempfile"), lines


def _separator(file: Named) -> str | None:
    suffixes = [suffix[1:].lower() for suffix in PurePath(file.file_name).suffixes]
    if wrapping_of(file.file_name) is not None:
        suffixes = suffixes[:-1]
    return SEPARATORS.get(suffixes[-1]) if suffixes else None


def _arguments(*pairs: tuple[str, str | bool | None]) -> str:
    shown = [f'{name}="{value}"' if isinstance(value, str) else f"{name}={value}" for name, value in pairs if value]
    return "".join(f", {argument}" for argument in shown)


def _shell_name(file_name: str) -> str:
    # A leading hyphen would be an option, and "-" alone the terminal.
    return shlex.quote(f"./{file_name}" if file_name.startswith("-") else file_name)
