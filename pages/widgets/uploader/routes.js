// Which way the bytes go: straight to the store, or through the app where this browser cannot reach the store.

const DETOUR_MS = 300_000; // Then the direct way is tried again.
const THROUGH_APP = "/api/ml/v1/relay/";
const BARRED = new Set(["cors", "mixed", "body-limit"]); // The store is there, and this browser may not send to it.

class Routes {
  /** Origin of a store → until when (by this page's clock) its parts go through the app. */
  #detours = new Map();

  /** What to ask part URLs for, for a store once its address is known; undefined leaves it to the app. */
  via(origin) {
    return this.takes(origin) ? "app" : undefined;
  }

  takes(origin) {
    return origin !== null && performance.now() < (this.#detours.get(origin) ?? 0);
  }

  take(origin) {
    this.#detours.set(origin, performance.now() + DETOUR_MS);
  }

  leave(origin) {
    this.#detours.delete(origin);
  }
}

function isThroughApp(url) {
  return new URL(url, location.href).pathname.startsWith(THROUGH_APP);
}

/** Whether the app itself reaches its store. */
async function appReachesStore() {
  const { storage } = (await readiness()) ?? {};
  return storage === "ok";
}

/** The body of GET /api/health/ready, or null. */
async function readiness() {
  const signal = AbortSignal.timeout(10_000);
  return fetch("/api/health/ready", { cache: "no-store", signal }).then(
    (answer) => answer.json(),
    () => null,
  ).catch(() => null);
}
