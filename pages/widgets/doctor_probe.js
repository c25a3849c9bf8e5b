// The browser's half of the Doctor: tries the store's public address as the uploader and a reader would, and says
// what it saw. It judges nothing; the server does, which knows how each fault is put right.

const DOCTOR = "/api/ml/v1/doctor";
const SLOW_SECONDS = 8;
const WAIT_SECONDS = 10;
const READABLE = ["etag", "content-range", "content-length", "accept-ranges"];

async function callDoctor(method, path, body) {
  const answer = await fetch(DOCTOR + path, {
    method,
    headers: body === undefined ? {} : { "Content-Type": "application/json" },
    body: body === undefined ? undefined : JSON.stringify(body),
    cache: "no-store",
  });
  const text = await answer.text();
  const parsed = text ? JSON.parse(text) : null;
  if (!answer.ok) throw new Error(parsed?.detail ?? "The server did not answer.");
  return parsed;
}

// The probe object's bytes, as the server makes them (catalog/doctor_probe.py, PATTERN).
function patternBytes(length, from = 0) {
  const bytes = new Uint8Array(length);
  for (let place = 0; place < length; place += 1) bytes[place] = ((place + from) * 31 + 7) & 255;
  return bytes;
}

const sameBytes = (one, other) => one.length === other.length && one.every((byte, place) => byte === other[place]);

// One request. The browser does not tell a page why one failed: that is status 0.
async function tryOnce(url, { method = "GET", body, headers, expected, seconds = WAIT_SECONDS } = {}) {
  const began = performance.now();
  const limit = AbortSignal.timeout(seconds * 1000);
  const spent = () => (performance.now() - began) / 1000;
  try {
    const answer = await fetch(url, { method, body, headers, cache: "no-store", credentials: "omit", signal: limit });
    const data = new Uint8Array(await answer.arrayBuffer());
    const seen = Object.fromEntries(READABLE.map((name) => [name, answer.headers.get(name)]).filter(([, value]) => value));
    return {
      status: answer.status,
      headers: seen,
      same_bytes: expected && answer.ok ? sameBytes(data, expected) : null,
      seconds: spent(),
    };
  } catch {
    return { status: 0, seconds: spent(), cancelled: limit.aborted };
  }
}

// Whether anything answers at all: without CORS the answer stays closed, but that there is one is seen.
async function anythingThere(url) {
  try {
    await fetch(url, { mode: "no-cors", cache: "no-store", credentials: "omit", signal: AbortSignal.timeout(WAIT_SECONDS * 1000) });
    return true;
  } catch {
    return false;
  }
}

async function tryUpload(probe, seen) {
  const [small, larger, whole] = probe.sizes;
  const parts = [];
  const put = (number, length, seconds) =>
    tryOnce(probe.parts[number], { method: "PUT", body: patternBytes(length), seconds });
  const keep = (number, tried) => {
    const etag = tried.status === 200 && tried.headers.etag;
    if (etag) parts[number - 1] = { number, etag };
    return Boolean(etag);
  };
  seen.put = await put(1, small);
  if (!keep(1, seen.put)) return parts;
  for (const [bucket, url] of Object.entries(probe.others)) {
    seen.others[bucket] = (await tryOnce(url, { method: "PUT", body: patternBytes(1) })).status;
  }
  seen.put_larger = await put(1, larger);
  if (!keep(1, seen.put_larger)) return parts;
  seen.put_part = await put(1, whole, SLOW_SECONDS);
  if (!keep(1, seen.put_part)) {
    // One that broke off may have taken the place of the one before it.
    keep(1, await put(1, larger));
    return parts;
  }
  // Only a part that is whole may be followed by another.
  seen.put_last = await put(2, small);
  keep(2, seen.put_last);
  return parts;
}

async function tryLinks(reads, seen, direct) {
  const from = performance.now();
  seen.get = await tryOnce(reads.get, { expected: patternOf(reads), seconds: SLOW_SECONDS });
  seen.ranged = await tryOnce(reads.get, { headers: { Range: "bytes=100-199" }, expected: patternBytes(100, 100) });
  if (reads.head) seen.head = await tryOnce(reads.head, { method: "HEAD" });
  // Links to this server end by its own code, and no cache stands between.
  if (!direct) return;
  // Signed for one second, in whole ones: after three it has ended by any rounding.
  await new Promise((resolve) => setTimeout(resolve, Math.max(0, 3000 - (performance.now() - from))));
  seen.expired = await tryOnce(reads.expired);
}

// What was completed is a part, and after a whole one a small one that begins anew.
function patternOf({ size, first }) {
  if (size <= first) return patternBytes(size);
  const bytes = new Uint8Array(size);
  bytes.set(patternBytes(first));
  bytes.set(patternBytes(size - first), first);
  return bytes;
}

/** Try everything; resolves to the server's judgement of both halves, null where browsers need not reach the store. */
async function examineHere(onStep) {
  const probe = await callDoctor("POST", "/probe");
  const drop = () =>
    fetch(`${DOCTOR}/probe/${probe.id}`, { method: "DELETE", keepalive: true }).catch(() => undefined);
  window.addEventListener("pagehide", drop);
  try {
    if (!probe.upload && !probe.download) return null;
    const seen = {
      link: probe.parts[1].split("?")[0],
      clock_ahead: (Date.now() - Date.parse(probe.now)) / 1000,
      sizes: probe.sizes,
      others: {},
      reached: await anythingThere(probe.reach),
    };
    if (seen.reached) {
      onStep("sends a part");
      const parts = probe.upload ? await tryUpload(probe, seen) : [];
      onStep("reads it back");
      const reads = await completed(probe, parts, seen);
      if (reads && probe.download) await tryLinks(reads, seen, probe.direct);
    }
    return await callDoctor("POST", "/findings", seen);
  } finally {
    window.removeEventListener("pagehide", drop);
    drop();
  }
}

async function completed(probe, parts, seen) {
  const first = Math.max(...[seen.put, seen.put_larger, seen.put_part].map((tried, place) => (tried?.headers?.etag ? probe.sizes[place] : 0)));
  try {
    const reads = await callDoctor("POST", `/probe/${probe.id}/complete`, { parts });
    if (parts.length) seen.completed = true;
    return { ...reads, first: reads.by_browser ? first : reads.size };
  } catch {
    if (parts.length) seen.completed = false;
    return null;
  }
}
