"""A screen's session without a browser: Streamlit's own WebSocket messages, to ask for reruns by the dozen."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from urllib.parse import urlsplit

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin, Subprotocol

FINISHED = ForwardMsg.ScriptFinishedStatus.FINISHED_SUCCESSFULLY
FAILED = ForwardMsg.ScriptFinishedStatus.FINISHED_WITH_COMPILE_ERROR


class Session:
    """One tab's connection."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection
        self.page = ""

    def rerun(self, query: str = "") -> None:
        """Run the script as a widget's change would, until it has finished. Raises RuntimeError where it failed."""
        message = BackMsg()
        message.rerun_script.query_string = query
        message.rerun_script.page_script_hash = self.page
        self.connection.send(message.SerializeToString())
        while True:
            answer = ForwardMsg()
            received = self.connection.recv(timeout=60)
            answer.ParseFromString(received if isinstance(received, bytes) else received.encode())
            kind = answer.WhichOneof("type")
            if kind == "new_session":
                self.page = answer.new_session.page_script_hash
            elif kind == "delta" and answer.delta.new_element.WhichOneof("type") == "exception":
                raise RuntimeError(answer.delta.new_element.exception.message)
            elif kind == "script_finished" and answer.script_finished == FAILED:
                raise RuntimeError("the script does not compile")
            elif kind == "script_finished" and answer.script_finished == FINISHED:
                return  # any other status stands before a run that the script itself asked for


@contextlib.contextmanager
def session(url: str) -> Iterator[Session]:
    """A tab on the app at `url`, its first run done."""
    parts = urlsplit(url)
    with connect(
        f"ws://{parts.netloc}/_stcore/stream",
        subprotocols=[Subprotocol("streamlit")],
        origin=Origin(url),
        max_size=None,
        proxy=None,
    ) as connection:
        opened = Session(connection)
        opened.rerun()
        yield opened
