"""The commands of `python -m ops`."""

from __future__ import annotations

import getpass
import socket

import typer

from catalog.origin import Origin, set_for_process, shown_agent
from ops import activity, backup, demo, doctor, lifecycle, migrate, pull, push, reconcile, restore, users

app = typer.Typer(name="python -m ops", no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)


@app.callback()
def commands(context: typer.Context) -> None:
    """Operate Datashelf from a shell, with the settings the app itself reads."""
    set_for_process(Origin(actor=f"ops {context.invoked_subcommand}", agent=_at_the_terminal()))


def _at_the_terminal() -> str | None:
    """Which account on which machine runs the command, for the activity; None where the system does not say."""
    try:
        return shown_agent(f"{getpass.getuser()} at {socket.gethostname()}")
    except (OSError, KeyError):
        return None


app.add_typer(activity.app, name="activity")
app.command(name="backup")(backup.back_up)
app.command(name="demo")(demo.load_samples)
app.command(name="doctor")(doctor.examine)
app.command(name="migrate")(migrate.migrate)
app.command(name="push")(push.push)
app.command(name="pull")(pull.pull)
app.command(name="reconcile")(reconcile.reconcile)
app.command(name="restore")(restore.restore)
app.command(name="lifecycle")(lifecycle.lifecycle)
app.add_typer(users.app, name="users")

if __name__ == "__main__":
    app()
