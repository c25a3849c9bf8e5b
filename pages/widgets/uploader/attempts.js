// Doing a thing again where that may help, waiting longer each time; and waiting out what is bound to pass.

const ATTEMPTS = 5; // About eight seconds of waiting in all.
const BACKOFF_MS = [500, 8_000];
const CHECK_MS = [3_000, 15_000]; // Between looks whether what is away is back: longer each time, up to the second.
const UNSTEADY_ATTEMPTS = 15; // Some minutes: a line that breaks every part would else be used for ever, in vain.

// Nobody is to press a button for these: they pass, and then the upload goes on by itself.
const PASSING = new Set(["offline", "store-away", "app-away", "store-error"]);

/**
 * The value of `act()`, which rejects with a Failure: one that may pass (`again`) is tried again: for as long as it takes
 * where the network, the store or the app is away, else a number of times. `waits` is told what is being waited for
 * ({kind, detail, seconds}; `seconds` null where it is the end of an outage), and null when it is over.
 * Rejects with the last Failure, or with Cancelled.
 */
async function insist(act, signal, waits = () => {}) {
  for (let attempt = 1; ; attempt += 1) {
    try {
      const value = await act();
      waits(null);
      return value;
    } catch (failure) {
      if (signal.aborted || failure instanceof Cancelled) throw new Cancelled();
      if (!failure.again || attempt >= mostAttempts(failure.kind)) throw failure;
      const outage = failure.kind === "offline" || (PASSING.has(failure.kind) && attempt >= ATTEMPTS);
      const pause = backoff(Math.min(attempt, ATTEMPTS));
      waits({ kind: failure.kind, detail: failure.detail, seconds: outage ? null : Math.ceil(pause / 1000) });
      if (outage) await untilBack(failure, attempt - ATTEMPTS, signal);
      else await rest(pause, signal, "online");
    }
  }
}

function mostAttempts(kind) {
  if (PASSING.has(kind)) return Infinity;
  return kind === "cut" || kind === "stalled" ? UNSTEADY_ATTEMPTS : ATTEMPTS;
}

/** Wait until what was away answers again, as far as that can be seen from here without a byte of the file. */
async function untilBack({ kind, origin }, before, signal) {
  for (let look = Math.max(0, before); !signal.aborted; look += 1) {
    const pause = Math.min(CHECK_MS[0] * 1.5 ** look, CHECK_MS[1]) * (0.75 + Math.random() / 2);
    await rest(pause, signal, "online");
    if (signal.aborted || (await isBack(kind, origin))) return;
  }
}

async function isBack(kind, origin) {
  if (isOffline()) return false;
  if (kind === "app-away") return answers("/api/health/live", "same-origin");
  if (kind !== "store-away") return true;
  if (origin) return answers(`${origin}/`, "no-cors");
  return (await readiness())?.storage === "ok";
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
    if (signal.aborted) goOn();
  });
}
