// What went wrong with an upload, told apart and said in words: what happened, what is safe, what to do next.

/**
 * `kind` tells the cases apart; `again` says whether trying the same once more can help; `origin` is whose answer is
 * missing, where that is a store.
 */
class Failure extends Error {
  constructor(kind, { again = false, detail = "", missing = [], origin = null } = {}) {
    super(detail || kind);
    this.kind = kind;
    this.again = again;
    this.detail = detail;
    this.missing = missing;
    this.origin = origin;
  }
}

/** The upload was taken back or paused by the user: nothing to report. */
class Cancelled extends Error {}

/** A failure's sentence, for an upload that stands at `percent` ("28 %"; "" where nothing was sent). */
function sentenceFor({ kind, detail }, percent) {
  const at = percent ? ` at ${percent}` : "";
  const goesOn = percent ? "Retry goes on from there." : "Nothing was sent yet; Retry starts it.";
  switch (kind) {
    case "app-error":
      return `Datashelf had a fault${at}: ${detail} ${goesOn}`;
    case "cut":
      return `The connection broke${at} again and again. ${goesOn}`;
    case "stalled":
      return `No byte got through for ${STALL_SECONDS} s${at}. ${goesOn}`;
    case "cors":
      return (
        `The store refuses uploads from this address (CORS). Its operator must allow PUT from ${location.origin} ` +
        "and expose ETag; then Retry."
      );
    case "no-etag":
      return (
        `The store hides its ETag from this page (CORS). Its operator must expose ETag to ${location.origin}; ` +
        "then Retry goes on from there."
      );
    case "body-limit":
      return (
        `Something in front of the store refuses parts of ${detail}. Its operator must let larger bodies through ` +
        "(nginx: client_max_body_size); then Retry."
      );
    case "mixed":
      return (
        "This page is https, but the store's address is http, which browsers block. " +
        "The operator must give the store an https address (MINIO__PUBLIC_ENDPOINT)."
      );
    case "denied":
      return `The store refused${at}, with a fresh link too. Its keys or its clock may have changed. ${goesOn}`;
    case "bucket-missing":
      return detail || `The store’s bucket is not there${at}. Whoever runs the shelf can put it back; then Retry.`;
    case "full":
      return detail || `The store is full${at}. Make room there; ${goesOn}`;
    case "file-changed":
      return "The file was changed on disk while it was being sent. Remove this upload and choose the file again.";
    case "file-gone":
      return "The file can no longer be read: it was moved, deleted or locked. Choose it again.";
    case "part-superseded":
      return "Another tab or device is sending this file too. Retry sends what is missing, or finds it complete.";
    case "upload-gone":
      return "This upload was discarded elsewhere, or the store no longer has its beginning. Retry sends what is missing.";
    default:
      return detail || "The upload failed. Retry tries it again.";
  }
}

/** What is being waited for ({kind, detail, seconds}, see `insist`), for an upload of which `stored` ("41 %"; "") is safe. */
function waitingFor({ kind, detail, seconds }, stored) {
  const [away, wanted] = AWAY[kind] ?? ["The connection broke", ""];
  // The app says in sentences why; a store by a code.
  const said = (kind === "store-error" || !AWAY[kind]) && detail.endsWith(".");
  if (seconds !== null) return `${said ? `${detail} Trying` : `${away}; trying`} again in ${seconds} s`;
  const safe = stored ? `${stored} are safely stored; it goes on` : "Nothing was sent yet; it starts";
  const why = kind === "store-error" && detail ? ` (${detail})` : "";
  return `${said ? detail : `${away}${why}.`} ${safe} ${wanted}`;
}

const AWAY = {
  offline: ["You are offline", "by itself when the network is back"],
  "store-away": ["The store does not answer", "by itself"],
  "store-error": ["The store does not take it", "by itself"],
  "app-away": ["Datashelf does not answer", "by itself"],
  "app-error": ["Datashelf had a fault", "by itself"],
  denied: ["The store refused", "by itself"],
  "body-limit": ["Something in front of the store refuses parts of this size", "by itself"],
  "storage-denied": ["The store refuses Datashelf’s credentials", "by itself"],
  "bucket-missing": ["The store’s bucket is not there", "by itself"],
};

/** Tell why a PUT of `blob` to the store got no answer at all: the browser itself keeps the reason secret. */
async function diagnose(file, url, blob, answeredBefore) {
  const unreadable = await whyUnreadable(file);
  if (unreadable) return unreadable;
  const { origin, protocol } = new URL(url);
  if (location.protocol === "https:" && protocol === "http:") return new Failure("mixed");
  const own = origin === location.origin;
  if (isOffline()) return new Failure("offline", { again: true });
  if (!(await answers("/api/health/live", "same-origin"))) return new Failure("app-away", { again: true });
  if (!own && !(await answers(`${origin}/`, "no-cors"))) {
    return new Failure("store-away", { again: true, origin });
  }
  if (own || answeredBefore) return new Failure("cut", { again: true });
  // The store is up and never yet let this page read an answer. If an empty part gets through, it is the size.
  const allowed = await fetch(url, { method: "PUT", body: new Blob([]), signal: AbortSignal.timeout(10_000) }).then(
    () => true,
    () => false,
  );
  return allowed && blob.size > 0
    ? new Failure("body-limit", { again: true, detail: formatSize(blob.size) })
    : new Failure("cors");
}

/** A Failure where the file on disk is no longer what was chosen, else null. */
async function whyUnreadable(file) {
  try {
    await file.slice(0, 1).arrayBuffer();
    return null;
  } catch (error) {
    return new Failure(error.name === "NotFoundError" ? "file-gone" : "file-changed");
  }
}

/** navigator.onLine is about the network card: it says nothing about an app on this very machine. */
function isOffline() {
  return !navigator.onLine && !/^(localhost|127\.|\[::1\])/.test(location.hostname);
}

async function answers(url, mode) {
  try {
    await fetch(url, { mode, cache: "no-store", credentials: "omit", signal: AbortSignal.timeout(10_000) });
    return true;
  } catch {
    return false;
  }
}
