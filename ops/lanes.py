"""Work done in several lanes at once, given up as soon as one of them fails."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Sequence


def in_lanes(numbers: Sequence[int], act: Callable[[int], None], *, lanes: int, halted: threading.Event) -> None:
    """`act` on every number, in order, `lanes` at a time. Raises what `act` raised first, once no lane goes on.

    `halted` ends the lanes, and is clear again once they have ended. Where the caller is interrupted meanwhile it stays
    set and nothing is waited for: a lane may be in the middle of sending, and the process ends without it.
    """
    waiting: queue.SimpleQueue[int] = queue.SimpleQueue()
    for number in numbers:
        waiting.put(number)
    ended: queue.SimpleQueue[BaseException | None] = queue.SimpleQueue()

    def lane() -> None:
        try:
            while not halted.is_set():
                try:
                    number = waiting.get_nowait()
                except queue.Empty:
                    break
                act(number)
        except BaseException as error:  # noqa: BLE001  raised again below, in the thread that waits
            ended.put(error)
            halted.set()
        else:
            ended.put(None)

    threads = [threading.Thread(target=lane, name="lane", daemon=True) for _ in range(min(lanes, len(numbers)))]
    for thread in threads:
        thread.start()
    first: BaseException | None = None
    try:
        for _ in threads:
            error = ended.get()
            first = first or error
    except KeyboardInterrupt:
        halted.set()
        raise
    if first is not None:
        halted.clear()
        raise first
