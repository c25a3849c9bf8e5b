// The two ways bytes travel: small JSON calls to the app, and a part's PUT straight to the store's signed URL.

let api = "/api/ml/v1"; // Where the calls below go; for a visitor below their link (`visitor.js`).
const STALL_SECONDS = 30;

let serverClock = { at: NaN, now: 0 };

/** Call the app; `body` is sent as JSON, or as it is where it is a form. Resolves to {body, at} (`at`: the server's clock in ms, NaN where it is not said); rejects with a Failure or Cancelled. */
async function callApi(method, path, { body, signal, timeout = 60_000 } = {}) {
  const limit = AbortSignal.timeout(timeout);
  let answer, text;
  try {
    answer = await fetch(api + path, {
      method,
      // A form names its type, with the boundary, by itself.
      headers: body === undefined || body instanceof FormData ? {} : { "Content-Type": "application/json" },
      body: body === undefined || body instanceof FormData ? body : JSON.stringify(body),
      cache: "no-store",
      signal: signal ? AbortSignal.any([signal, limit]) : limit,
    });
    text = await answer.text();
  } catch {
    if (signal?.aborted) throw new Cancelled();
    throw new Failure(isOffline() ? "offline" : "app-away", { again: true });
  }
  const parsed = parseJson(text);
  const at = Date.parse(answer.headers.get("Date"));
  if (!Number.isNaN(at)) serverClock = { at, now: Date.now() };
  if (!answer.ok) throw apiFailure(answer.status, parsed);
  return { body: parsed, at };
}

/** The time in ms by the server's clock, as its last answer told it; NaN before any. */
function serverNow() {
  return serverClock.at + Date.now() - serverClock.now;
}

/** An error answer (RFC 9457) as a Failure: its kind is the problem's own where we do not know better. */
function apiFailure(status, problem) {
  const kind = String(problem?.type ?? "").split(":").pop();
  const detail = String(problem?.detail ?? problem?.title ?? "");
  if (kind === "storage-unavailable") return new Failure("store-away", { again: true });
  if (status === 507) return new Failure("full", { detail });
  if (kind === "storage-error") return new Failure("store-error", { again: true, detail });
  if (status === 503 && kind && kind !== "database-unavailable") return new Failure(kind, { again: true, detail });
  // What stands in front of the app answers for it while it starts, or where it is asked too much.
  if ([408, 429, 502, 503, 504].includes(status)) return new Failure("app-away", { again: true, detail });
  if (status >= 500) {
    return new Failure("app-error", { again: true, detail: detail || `it answered with ${status}.` });
  }
  return new Failure(kind || `http-${status}`, { detail, missing: problem?.missing ?? [] });
}

function parseJson(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/**
 * PUT one part. Resolves to its ETag, null where the store hides it. `onProgress(bytes)` counts what left this
 * machine, `onSent()` says that all has and only the answer is missing. A Failure of kind "silent" says that there was
 * no answer: `diagnose` tells why. XMLHttpRequest, because fetch reports no upload progress.
 */
function putPart(url, blob, { signal, onProgress, onSent }) {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(new Cancelled());
    const request = new XMLHttpRequest();
    let stalled = false;
    let watchdog;
    const alive = (seconds = STALL_SECONDS) => {
      clearTimeout(watchdog);
      watchdog = setTimeout(() => {
        stalled = true;
        request.abort();
      }, seconds * 1000);
    };
    const abort = () => request.abort();
    const settle = (act) => () => {
      clearTimeout(watchdog);
      signal.removeEventListener("abort", abort);
      act();
    };
    request.upload.onprogress = (event) => {
      alive();
      onProgress(event.loaded);
    };
    request.upload.onload = () => {
      // A store may still be writing down what it has received.
      alive(4 * STALL_SECONDS);
      onProgress(blob.size);
      onSent();
    };
    request.onload = settle(() => {
      if (request.status === 200) resolve(request.getResponseHeader("ETag"));
      else reject(storeFailure(request.status, request.responseText));
    });
    request.onerror = settle(() => reject(new Failure("silent", { again: true })));
    request.onabort = settle(() => reject(stalled ? new Failure("stalled", { again: true }) : new Cancelled()));
    request.open("PUT", url);
    signal.addEventListener("abort", abort);
    alive();
    request.send(blob);
  });
}

/** A store's error answer: S3's XML, or problem+json where the store is the app itself. */
function storeFailure(status, text) {
  const problem = parseJson(text);
  const code = /<Code>([^<]{1,80})<\/Code>/.exec(text)?.[1] ?? "";
  if (status === 507 || /StorageFull|InsufficientStorage|QuotaExceeded/.test(code)) {
    return new Failure("full", { detail: String(problem?.detail ?? "") });
  }
  if (status === 403) return new Failure("denied", { again: true });
  if (code === "NoSuchBucket") return new Failure("bucket-missing", { again: true });
  if (status === 404) return new Failure("upload-gone");
  if (problem?.type) return apiFailure(status, problem);
  if (status >= 500 || status === 429 || status === 408) {
    return new Failure("store-error", { again: true, detail: code ? `${status} ${code}` : String(status) });
  }
  return new Failure("store-refused", {
    detail: `The store refused the bytes (${[status, code].filter(Boolean).join(" ")}).`,
  });
}
