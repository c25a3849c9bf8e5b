// One file on its way: begun at the app, sent part by part to the store, completed at the app.

const LOOK_PATIENCE_MS = 1_500; // How long the first byte waits for what the file holds to be seen.
const COMPLETE_TIMEOUT_MS = 600_000; // A store may take minutes to put terabytes together.

// Origins that have let this page read an answer: from then on a silent failure is not CORS.
const answeredBefore = new Set();

class Upload {
  static #last = 0;

  id = (Upload.#last += 1);
  /** waiting → reading → sending → finishing → done; or failed, from which `run` may go on. */
  state = "waiting";
  /** What is being waited for between two attempts, else "". */
  note = "";
  failure = null;
  /** Bytes per second, smoothed; 0 until known. */
  speed = 0;
  /** Grows with every change, so that a view knows what to draw anew. */
  revision = 0;
  /** Known once complete; rows and columns may follow later. */
  result = null;
  doneAt = 0;
  /** The only file of its drop, with nothing else under way: its dataset opens by itself. */
  solo = false;
  /** Not in the tray any more: the user has seen how it ended. */
  seen = false;
  /** What the app finds in the file before it is sent (the body of POST /inspect); and, while it looks, when it has. */
  look = null;
  looked = null;
  /** The user wants the file read in another way: asked on the dataset's page as soon as it is complete. */
  wish = false;

  #queue;
  #started = null;
  #urls = null;
  #etags = new Map();
  #loaded = new Map();
  #allSent = false;
  #distrusted = false;
  #cancel = new AbortController();
  #previous = null;

  constructor(queue, { file, folder, datasetId }) {
    this.#queue = queue;
    this.file = file;
    this.name = file.name;
    this.size = file.size;
    this.folder = folder;
    this.datasetId = datasetId;
  }

  get active() {
    return this.state === "reading" || this.state === "sending" || this.state === "finishing";
  }

  get unfinished() {
    return this.active || this.state === "waiting";
  }

  /** Aborted where the upload was cancelled. */
  get gone() {
    return this.#cancel.signal;
  }

  /** Bytes that have left this machine. */
  sent() {
    if (this.state === "done") return this.size;
    let sum = 0;
    for (const number of this.#etags.keys()) sum += this.#lengthOf(number);
    for (const bytes of this.#loaded.values()) sum += bytes;
    return Math.min(sum, this.size);
  }

  left() {
    return this.size - this.sent();
  }

  fraction() {
    if (this.state === "done") return 1;
    // All may have been sent; it is not complete before the store and the app have said so.
    return Math.min(this.size ? this.sent() / this.size : 0, 0.999);
  }

  /** Seconds left at the present speed, or null. */
  secondsLeft() {
    return this.speed > 0 ? this.left() / this.speed : null;
  }

  /** The failure's sentence, or "". */
  sentence() {
    return this.failure ? sentenceFor(this.failure, this.#etags.size ? formatPercent(this.fraction()) : "") : "";
  }

  /** Go from where it stands to `done` or `failed`; a cancelled upload ends in no state at all. Never rejects. */
  async run() {
    this.failure = null;
    this.#is(this.looked && !this.#started ? "reading" : "sending");
    try {
      const looked = this.state === "reading" ? this.#waitForLook() : null;
      await this.#resume();
      if (!this.#started) await this.#start();
      await looked;
      if (this.#cancel.signal.aborted) throw new Cancelled();
      if (this.state === "reading") this.#is("sending");
      for (let round = 0; ; round += 1) {
        if (!this.#allSent) await this.#sendParts();
        this.#allSent = true;
        this.#is("finishing");
        try {
          this.result = this.#resultOf(await this.#complete());
          break;
        } catch (failure) {
          // The store may have lost a part to a restart: it names them, and they are sent again.
          if (failure.kind !== "parts-missing" || round >= 2) throw failure;
          for (const number of failure.missing) this.#etags.delete(number);
          this.#allSent = false;
          this.#is("sending");
        }
      }
      this.#queue.works();
      this.#is("done");
    } catch (failure) {
      if (!this.#cancel.signal.aborted) this.#fail(failure);
    } finally {
      this.#loaded.clear();
      this.note = "";
      this.speed = 0;
    }
  }

  /** The app has looked into the file; null where it could not. */
  finds(look) {
    this.look = look;
    this.looked = null;
    this.revision += 1;
    this.#queue.changed();
  }

  /** Open the dataset to be read in another way, now or when it is complete; `open` is called where it is. */
  change(open) {
    this.wish = true;
    if (this.state === "done") open();
    this.revision += 1;
    this.#queue.changed();
  }

  /** Stop, and undo what the app and the store hold of it. */
  async cancel() {
    this.#cancel.abort();
    const { body } = (await this.#started?.catch(() => null)) ?? {};
    if (!body) return;
    // Not there: undone already. What stays in spite of all is swept by the app as a stale upload.
    const undo = () => callApi("DELETE", `/uploads/${body.upload_id}`);
    await insist(undo, new AbortController().signal).catch(() => null);
  }

  /** Measure the speed; called a few times a second with the clock in ms. */
  measure(now) {
    const sent = this.sent();
    const { now: before = now, sent: sentBefore = sent } = this.#previous ?? {};
    this.#previous = { now, sent };
    const seconds = (now - before) / 1000;
    if (this.state !== "sending" || seconds <= 0 || sent < sentBefore) return;
    const rate = (sent - sentBefore) / seconds;
    // A time constant of two seconds: steady to the eye, and a change shows soon.
    this.speed = this.speed ? this.speed + (rate - this.speed) * (1 - Math.exp(-seconds / 2)) : rate;
    this.revision += 1;
  }

  #waitForLook() {
    const signal = AbortSignal.any([this.#cancel.signal, AbortSignal.timeout(LOOK_PATIENCE_MS)]);
    const over = new Promise((resolve) => signal.addEventListener("abort", resolve));
    return Promise.race([this.looked, over]);
  }

  async #start() {
    const { body, at } = await this.#insist(() => {
      const request = { filename: this.name, size: this.size };
      if (this.file.type) request.content_type = this.file.type;
      if (this.datasetId) request.dataset_id = this.datasetId;
      // Not aborted by a cancel: an upload the app has begun must be known here to be undone.
      this.#started = callApi("POST", "/uploads", { body: request });
      return this.#started.catch((failure) => {
        this.#started = null;
        throw failure;
      });
    });
    this.uploadId = body.upload_id;
    this.partSize = body.part_size;
    this.partCount = Math.max(1, Math.ceil(this.size / body.part_size));
    this.fileId = body.file_id;
    this.#urls = new PartUrls({
      life: Date.parse(body.expires_at) - at,
      count: this.partCount,
      wants: (number) => !this.#etags.has(number) && !this.#loaded.has(number),
      sign: (numbers) => this.#sign(numbers),
    });
    this.#urls.keep(body.parts);
  }

  /** After a failure: go on from the parts the store really has. */
  async #resume() {
    if (!this.#started || this.#allSent) return;
    try {
      const { body } = await this.#insist(() => callApi("GET", `/uploads/${this.uploadId}`, this.#options()));
      const received = this.#distrusted ? [] : body.received;
      this.#distrusted = false;
      const whole = received.filter(({ number, size }) => size === this.#lengthOf(number));
      this.#etags = new Map(whole.map(({ number, etag }) => [number, etag]));
    } catch (failure) {
      if (failure.kind !== "upload-not-found") throw failure;
      this.#forget();
    }
    this.#urls?.clear();
  }

  #forget() {
    this.#started = null;
    this.#etags.clear();
    this.#urls = null;
    this.#allSent = false;
  }

  async #sendParts() {
    const stop = new AbortController();
    const signal = AbortSignal.any([stop.signal, this.#cancel.signal]);
    const sending = new Set();
    let first = null;
    for (let number = 1; number <= this.partCount && !signal.aborted; number += 1) {
      if (this.#etags.has(number)) continue;
      const lane = await this.#queue.lanes.take(this, signal).catch(() => null);
      if (!lane) break;
      const part = this.#sendPart(number, lane, signal)
        .catch((failure) => {
          if (!signal.aborted) first = failure;
          stop.abort();
        })
        .finally(() => sending.delete(part));
      sending.add(part);
    }
    await Promise.all(sending);
    if (this.#cancel.signal.aborted) throw new Cancelled();
    if (first) throw first;
  }

  #sendPart(number, firstLane, signal) {
    const from = (number - 1) * this.partSize;
    // A slice without a type: a Content-Type header is not part of what was signed.
    const blob = this.file.slice(from, from + this.#lengthOf(number), "");
    let lane = firstLane;
    return this.#insist(async () => {
      lane ??= await this.#queue.lanes.take(this, signal);
      let url;
      try {
        url = await this.#urls.get(number);
        const etag = await putPart(url, blob, {
          signal,
          onProgress: (bytes) => this.#progress(number, bytes),
          onSent: lane.sent,
        });
        answeredBefore.add(new URL(url).origin);
        this.#etags.set(number, etag ?? (await this.#etagFromStore(number)));
        this.#queue.works();
      } catch (failure) {
        // Whatever the reason, the next attempt goes to a freshly signed URL.
        this.#urls.drop(number);
        throw failure.kind === "silent"
          ? await diagnose(this.file, url, blob, answeredBefore.has(new URL(url).origin))
          : failure;
      } finally {
        this.#loaded.delete(number);
        lane.close();
        lane = null;
      }
    }, signal);
  }

  #progress(number, bytes) {
    this.#queue.count(bytes - (this.#loaded.get(number) ?? 0));
    this.#loaded.set(number, bytes);
  }

  async #sign(numbers) {
    const { body } = await callApi("POST", `/uploads/${this.uploadId}/parts`, this.#options({ body: { numbers } }));
    return body.parts;
  }

  /** Where the store hides the ETag from this page (CORS), the app can still read it. */
  async #etagFromStore(number) {
    const { body } = await callApi("GET", `/uploads/${this.uploadId}`, this.#options());
    const part = body.received.find((one) => one.number === number && one.size === this.#lengthOf(number));
    if (!part) throw new Failure("no-etag");
    return part.etag;
  }

  async #complete() {
    const parts = [...this.#etags].sort(([a], [b]) => a - b).map(([number, etag]) => ({ number, etag }));
    const options = this.#options({ body: { parts }, timeout: COMPLETE_TIMEOUT_MS });
    const { body } = await this.#insist(() => callApi("POST", `/uploads/${this.uploadId}/complete`, options));
    return body;
  }

  #resultOf(dataset) {
    const file = dataset.files?.find(({ id }) => id === this.fileId);
    return { datasetId: dataset.id, fileId: this.fileId, rows: file?.rows ?? null, columns: file?.columns ?? null };
  }

  #insist(act, signal = this.#cancel.signal) {
    return insist(act, signal, (note) => this.#noteIs(note));
  }

  #fail(failure) {
    const known = failure instanceof Failure;
    this.failure = known ? failure : new Failure("fault", { detail: `This page had a fault: ${failure}` });
    if (failure.kind === "upload-gone" || failure.kind === "upload-not-found") this.#forget();
    if (failure.kind === "part-mismatch" || failure.kind === "size-mismatch") {
      // The store's own word on these parts is in doubt: Retry sends every one again.
      this.#distrusted = true;
      this.#etags.clear();
      this.#allSent = false;
    }
    if (OUTAGES.has(failure.kind)) {
      this.#queue.fails(failure.kind);
      // What was not even begun has nothing to fail: it waits with the others behind it.
      if (!this.#started) {
        this.failure = null;
        this.#is("waiting");
        return;
      }
    }
    this.#is("failed");
  }

  #is(state) {
    this.state = state;
    this.revision += 1;
    this.#queue.changed();
  }

  #noteIs(note) {
    if (this.note === note) return;
    this.note = note;
    this.revision += 1;
    this.#queue.changed();
  }

  #options(more = {}) {
    return { ...more, signal: this.#cancel.signal };
  }

  #lengthOf(number) {
    return Math.min(this.partSize, this.size - (number - 1) * this.partSize);
  }
}
