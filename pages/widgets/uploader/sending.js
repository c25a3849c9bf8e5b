// An upload's parts on their way: each by a lane, to a freshly signed URL, hashed while it is sent, until all are there.

const DETOUR_AFTER = 3; // Attempts, before a store that is silent to this browser alone is reached through the app.

// Origins that have let this page read an answer: from then on a silent failure is not CORS.
const answeredBefore = new Set();

class Sending {
  /** The part URL in use goes through the app. */
  throughApp = false;
  #upload;
  #queue;
  #parts;
  #urls;
  #origin = null;
  #mayDetour = null;
  #hashing = new Map();

  /** `upload` has a file, an uploadId and parts; `signal(s)` of its calls end them. */
  constructor(queue, upload, parts) {
    this.#queue = queue;
    this.#upload = upload;
    this.#parts = parts;
    this.#urls = new PartUrls({
      count: parts.count,
      wants: (number) => parts.wanted(number),
      sign: (numbers, signal) => this.#sign(numbers, signal),
    });
  }

  /** Part URLs that came with the answer to POST /uploads. */
  keep(parts, at) {
    this.#notice(parts);
    if (!this.#queue.routes.takes(this.#origin)) this.#urls.keep(parts, at);
  }

  /** Send what the store has not. Rejects with the first Failure that trying again does not mend, or with Cancelled. */
  async all(signal) {
    const stop = new AbortController();
    const either = AbortSignal.any([stop.signal, signal]);
    const sending = new Set();
    let first = null;
    for (let number = 1; number <= this.#parts.count && !either.aborted; number += 1) {
      if (this.#parts.etags.has(number)) continue;
      const lane = await this.#queue.lanes.take(this.#upload, either).catch(() => null);
      if (!lane) break;
      const part = this.#one(number, lane, either)
        .catch((failure) => {
          if (!either.aborted) first = failure;
          stop.abort();
        })
        .finally(() => sending.delete(part));
      sending.add(part);
    }
    await Promise.all(sending);
    if (signal.aborted) throw new Cancelled();
    if (first) throw first;
  }

  /** Until every part's checksum is known, as far as this page can compute them. */
  async hashed(signal) {
    for (let number = 1; number <= this.#parts.count && !signal.aborted; number += 1) await this.#hash(number);
    if (signal.aborted) throw new Cancelled();
  }

  #one(number, firstLane, signal) {
    let lane = firstLane;
    let attempt = 0;
    return this.#upload.insist(async () => {
      lane ??= await this.#queue.lanes.take(this.#upload, signal);
      attempt += 1;
      try {
        await this.#put(number, lane, signal).catch(async (failure) => {
          if (signal.aborted || !(await this.#detours(failure, attempt))) throw failure;
          await this.#put(number, lane, signal);
        });
      } finally {
        lane.close();
        lane = null;
      }
    }, signal);
  }

  async #put(number, lane, signal) {
    const blob = this.#parts.of(this.#upload.file, number);
    void this.#hash(number);
    let url;
    try {
      url = await this.#urls.get(number, signal);
      const etag = await putPart(url, blob, {
        signal,
        onProgress: (bytes) => this.#progress(number, bytes),
        onSent: lane.sent,
      });
      answeredBefore.add(new URL(url).origin);
      this.#parts.answered(number, etag ?? (await this.#etagFromStore(number, signal)), etag === null);
      if (this.#parts.earlier.delete(number)) this.#keepDigest(number);
    } catch (failure) {
      // Whatever the reason, the next attempt goes to a freshly signed URL.
      this.#urls.drop(number);
      if (this.throughApp && failure.kind === "store-away") {
        this.#queue.routes.leave(this.#origin);
        this.#urls.clear();
      }
      throw failure.kind === "silent"
        ? await diagnose(this.#upload.file, url, blob, answeredBefore.has(new URL(url).origin))
        : failure;
    } finally {
      this.#parts.loaded.delete(number);
    }
  }

  #hash(number) {
    if (!canHash || this.#parts.digests.has(number)) return null;
    const blob = this.#parts.of(this.#upload.file, number);
    const hashing =
      this.#hashing.get(number) ??
      this.#queue.hasher.digest(blob).then((digest) => {
        this.#hashing.delete(number);
        if (!digest) return;
        this.#parts.digests.set(number, digest);
        // Of a part that the store has from an earlier time, the digest of that time is kept.
        if (!this.#parts.earlier.has(number)) this.#keepDigest(number);
      });
    this.#hashing.set(number, hashing);
    return hashing;
  }

  #keepDigest(number) {
    const digest = this.#parts.digests.get(number);
    const { key, parts, gone, state } = this.#upload;
    // What was cancelled, completed or begun anew meanwhile has no record any more.
    if (!digest || gone.aborted || state === "done" || parts !== this.#parts) return;
    void this.#queue.records.putDigest(key, number, digest);
  }

  /** Whether the bytes can go through the app from now on, after a failure on the straight way. */
  async #detours(failure, attempt) {
    if (this.throughApp || !this.#origin) return false;
    const alone = failure.kind === "store-away" && attempt >= DETOUR_AFTER;
    if (!alone && !BARRED.has(failure.kind)) return false;
    this.#mayDetour ??= callApi("GET", `/uploads/${this.#upload.uploadId}`)
      .then(({ body }) => Boolean(body.via_app))
      .finally(() => setTimeout(() => (this.#mayDetour = null), DETOUR_MS));
    if (!(await this.#mayDetour.catch(() => false)) || (alone && !(await appReachesStore()))) return false;
    this.#queue.routes.take(this.#origin);
    this.#urls.clear();
    return true;
  }

  #progress(number, bytes) {
    this.#queue.count(bytes - (this.#parts.loaded.get(number) ?? 0));
    this.#parts.loaded.set(number, bytes);
  }

  async #sign(numbers, signal) {
    const via = this.#queue.routes.via(this.#origin);
    const request = via ? { numbers, via } : { numbers };
    const { body, at } = await callApi("POST", `/uploads/${this.#upload.uploadId}/parts`, { body: request, signal });
    this.#notice(body.parts);
    return { parts: body.parts, at };
  }

  #notice([first]) {
    if (!first) return;
    const through = isThroughApp(first.url);
    if (!through) this.#origin = new URL(first.url, location.href).origin;
    if (through !== this.throughApp) {
      this.throughApp = through;
      this.#upload.touch();
    }
  }

  /** Where the store hides the ETag from this page (CORS), the app can still read it. */
  async #etagFromStore(number, signal) {
    const { body } = await callApi("GET", `/uploads/${this.#upload.uploadId}`, { signal });
    const part = body.received.find((one) => one.number === number && one.size === this.#parts.lengthOf(number));
    if (!part) throw new Failure("no-etag");
    return part.etag;
  }
}
