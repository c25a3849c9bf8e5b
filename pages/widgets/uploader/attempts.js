// Doing a thing again where that may help, waiting longer each time.

const ATTEMPTS = 5; // About eight seconds of waiting in all.
const BACKOFF_MS = [500, 8_000];
const OFFLINE_CHECK_MS = 5_000;

/**
 * The value of `act()`, which rejects with a Failure: one that may pass (`again`) is tried again, as often as it takes
 * while the browser is offline, else ATTEMPTS times. `note` is told what is being waited for, and "" when it is over.
 * Rejects with the last Failure, or with Cancelled.
 */
async function insist(act, signal, note = () => {}) {
  for (let attempt = 1; ; attempt += 1) {
    try {
      const value = await act();
      note("");
      return value;
    } catch (failure) {
      if (signal.aborted || failure instanceof Cancelled) throw new Cancelled();
      if (!failure.again) throw failure;
      const offline = failure.kind === "offline";
      if (offline) attempt = 0;
      else if (attempt >= ATTEMPTS) throw failure;
      const pause = offline ? OFFLINE_CHECK_MS : backoff(attempt);
      const reason = waitingFor(failure.kind);
      note(offline ? reason : `${reason}; trying again in ${Math.ceil(pause / 1000)} s`);
      await rest(pause, signal, offline ? "online" : null);
    }
  }
}

/** Milliseconds before the next attempt, with jitter so that many parts do not come back in step. */
function backoff(attempt) {
  return Math.min(BACKOFF_MS[0] * 2 ** (attempt - 1), BACKOFF_MS[1]) * (0.75 + Math.random() / 2);
}

/** Wait for a time, for the signal, or for an event of the window, whichever is first. */
function rest(milliseconds, signal, event) {
  return new Promise((resolve) => {
    const goOn = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", goOn);
      if (event) window.removeEventListener(event, goOn);
      resolve();
    };
    const timer = setTimeout(goOn, milliseconds);
    signal.addEventListener("abort", goOn);
    if (event) window.addEventListener(event, goOn);
  });
}
