"""The commands of `python -m ops`."""

from __future__ import annotations

import typer

from ops import backup, demo, doctor, lifecycle, migrate, pull, push, reconcile, restore

app = typer.Typer(name="python -m ops", no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)


@app.callback()
def commands() -> None:
    """Operate Datashelf from a shell, with the settings the app itself reads."""


app.command(name="backup")(backup.back_up)
app.command(name="demo")(demo.load_samples)
app.command(name="doctor")(doctor.examine)
app.command(name="migrate")(migrate.migrate)
app.command(name="push")(push.push)
app.command(name="pull")(pull.pull)
app.command(name="reconcile")(reconcile.reconcile)
app.command(name="restore")(restore.restore)
app.command(name="lifecycle")(lifecycle.lifecycle)

if __name__ == "__main__":
    app()
