"""The commands of `python -m ops`."""

from __future__ import annotations

import typer

from ops import demo

app = typer.Typer(name="python -m ops", no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)


@app.callback()
def commands() -> None:
    """Operate Datashelf from a shell, with the settings the app itself reads."""


app.command(name="demo")(demo.load_samples)

if __name__ == "__main__":
    app()
