"""The commands of `python -m ops`."""

from __future__ import annotations

import typer

from ops import demo, doctor, migrate, pull, push, reconcile

app = typer.Typer(name="python -m ops", no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)


@app.callback()
def commands() -> None:
    """Operate Datashelf from a shell, with the settings the app itself reads."""


app.command(name="demo")(demo.load_samples)
app.command(name="doctor")(doctor.examine)
app.command(name="migrate")(migrate.migrate)
app.command(name="push")(push.push)
app.command(name="pull")(pull.pull)
app.command(name="reconcile")(reconcile.reconcile)

if __name__ == "__main__":
    app()
