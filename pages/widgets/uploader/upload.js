// One file on its way: begun at the app, sent part by part to the store, completed at the app; paused and gone on with.
// It is longer than others because its states are one machine; parts, sending, words and files lie in modules of their own.

const LOOK_PATIENCE_MS = 1_500; // How long the first byte waits for what the file holds to be seen.
const COMPLETE_TIMEOUT_MS = 600_000; // A store may take minutes to put terabytes together.
const ROUNDS = 3; // Of sending and completing, where the store has lost parts between the two.

const ACTIVE = new Set(["reading", "sending", "finishing"]);
// Another tab or device may have completed it.
const ENDED = new Set(["upload-gone", "upload-not-found", "part-superseded"]);

class Upload {
  static #last = 0;

  id = (Upload.#last += 1);
  /**
   * waiting → reading → sending → finishing → done; or failed, from which `run` may go on. `paused` by the user;
   * `same` where the shelf has its content and the user is asked; `interrupted` where it was begun at another time and
   * its file is not at hand; `elsewhere` where another tab of this browser sends it.
   */
  state = "waiting";
  /** What is being waited for between two attempts (see `insist`), else null. */
  wait = null;
  failure = null;
  /** Why the file just chosen is not the one, else "". */
  refusal = "";
  /** Bytes per second, smoothed; 0 until known. */
  speed = 0;
  /** Grows with every change, so that a view knows what to draw anew. */
  revision = 0;
  /** Known once complete; rows and columns may follow later. */
  result = null;
  doneAt = 0;
  /** It was completed in another tab, or on another device. */
  byOthers = false;
  /** The only file of its drop, with nothing else under way: its dataset opens by itself. */
  solo = false;
  /** Not in the tray any more: the user has seen how it ended. */
  seen = false;
  /** What the app finds in the file before it is sent (the body of POST /inspect); and, while it looks, when it has. */
  look = null;
  looked = null;
  /** The user wants the file read in another way: asked on the dataset's page as soon as it is complete. */
  wish = false;
  /** The file on the shelf with the same content (see `findSameContent`), else null. */
  twin = null;

  uploadId = null;
  parts = null;
  /** {head, tail}, see `fingerprint`; null until known. */
  print = null;
  /** The browser's own hold on the file, which outlives the page, or null. */
  handle = null;
  /** Begun in this browser, rather than on another device. */
  ours = true;

  #queue;
  #started = null;
  #sending = null;
  #anyway = false;
  #completing = false;
  #cancel = new AbortController();
  #stop = new AbortController();
  #previous = null;

  constructor(queue, { file, folder, datasetId = null, handle = null }) {
    this.#queue = queue;
    this.file = file;
    this.name = file.name;
    this.size = file.size;
    this.modified = file.lastModified;
    this.type = file.type;
    this.folder = folder;
    this.datasetId = datasetId;
    this.key = makeId();
    // It may come later: the upload does not wait for it.
    Promise.resolve(handle).then(
      (known) => {
        if (!known) return;
        this.handle = known;
        void this.keep();
      },
      () => {},
    );
  }

  /** One begun at an earlier time, by a record of this browser or, without one, by the app's word alone. */
  static interrupted(queue, { record, item, state }) {
    const upload = new Upload(queue, {
      file: { name: item?.filename ?? record.name, size: item?.size ?? record.size, lastModified: null, type: "" },
      folder: record?.folder ?? item?.folder ?? "",
      datasetId: record ? record.datasetId : null,
    });
    const modified = record?.modified ?? (item?.modified_at ? Date.parse(item.modified_at) : null);
    const print = record?.print ?? (item?.head_sha256 ? { head: item.head_sha256, tail: item.tail_sha256 } : null);
    Object.assign(upload, { file: null, modified, print, state, ours: Boolean(record) });
    upload.handle = record?.handle ?? null;
    upload.type = record?.type ?? "";
    if (record) upload.key = record.key;
    if (item) upload.#learnIds(item);
    return upload;
  }

  get active() {
    return ACTIVE.has(this.state);
  }

  /** On its way, or about to be. */
  get pending() {
    return this.active || this.state === "waiting";
  }

  /** Not on the shelf, and not in trouble. */
  get unfinished() {
    return this.pending || this.state === "paused";
  }

  /** It goes on as soon as the user shows the file. */
  get wantsFile() {
    return this.state === "interrupted" || (this.state === "failed" && this.failure.kind === "file-gone");
  }

  /** Aborted where the upload was cancelled. */
  get gone() {
    return this.#cancel.signal;
  }

  get throughApp() {
    return this.state === "sending" && Boolean(this.#sending?.throughApp);
  }

  /** Bytes that have left this machine. */
  sent() {
    if (this.state === "done") return this.size;
    return this.parts?.sent() ?? 0;
  }

  /** Bytes that the store has. */
  stored() {
    return this.parts?.stored() ?? 0;
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

  /** "41 %" of what the store has, "" where that is nothing. */
  safe() {
    return this.stored() ? formatPercent(Math.min(this.stored() / this.size, 0.999)) : "";
  }

  /** The failure's sentence, or "". */
  sentence() {
    return this.failure ? sentenceFor(this.failure, this.safe()) : "";
  }

  /** What is being waited for, in words, or "". */
  waitingFor() {
    return this.wait ? waitingFor(this.wait, this.safe()) : "";
  }

  /** Go from where it stands to `done`, `failed`, `paused` or `same`; a cancelled one ends in no state. Never rejects. */
  async run() {
    this.failure = null;
    this.refusal = "";
    this.#stop = new AbortController();
    const signal = AbortSignal.any([this.#stop.signal, this.#cancel.signal]);
    this.#is(this.looked && !this.uploadId ? "reading" : "sending");
    try {
      await this.#goOn(signal);
    } catch (failure) {
      if (!signal.aborted) await this.#fail(failure, signal);
    } finally {
      this.parts?.loaded.clear();
      this.wait = null;
      this.speed = 0;
      this.#previous = null;
      if (this.#stop.signal.aborted && this.active) this.#is("paused");
    }
  }

  /** Stop until `run`; what the store has stays there. */
  pause() {
    this.#stop.abort();
    if (this.state === "waiting") this.#is("paused");
  }

  /** The app has looked into the file; null where it could not. */
  finds(look) {
    this.look = look;
    this.looked = null;
    this.touch();
  }

  /** Open the dataset to be read in another way, now or when it is complete; `open` is called where it is. */
  change(open) {
    this.wish = true;
    if (this.state === "done") open();
    this.touch();
  }

  /** The user wants it beside the same content that is there. */
  sendAnyway() {
    this.#anyway = true;
    this.twin = null;
  }

  /** Take a file for the one this was begun with, as `recognise` has found. */
  async attach(file, { changed, print }, handle = null) {
    this.file = file;
    this.print = print ?? this.print;
    // The date of the bytes that were sent stays as it is until the last of them is held against the file of now.
    if (!changed || !this.parts) this.modified = file.lastModified;
    this.handle = handle ?? this.handle;
    this.ours = true;
    this.#sending = null;
    await this.keep();
    if (!this.parts) return;
    const digests = await this.#queue.records.digests(this.key);
    // Where the date is another one, what lies between the two ends may be as well: every part is looked at again.
    this.parts.digests = changed ? new Map() : digests;
    this.parts.earlier = new Map();
    if (changed) this.parts.doubt(digests);
  }

  /** Show it in another state; for those that wait for something outside of this class. */
  become(state) {
    if (this.state !== state) this.#is(state);
  }

  /** The file that was shown is not the one, or could not be read: why. */
  refuse(why) {
    this.refusal = why;
    this.touch();
  }

  /** What the store has of it by now ([{number, size, etag}]). */
  learn(received) {
    this.parts.received(received);
    this.touch();
  }

  /** Stop, and undo what the app and the store hold of it. */
  async cancel() {
    this.#cancel.abort();
    void this.#queue.records.remove(this.key);
    const { body } = (await this.#started?.catch(() => null)) ?? {};
    const uploadId = this.uploadId ?? body?.upload_id;
    if (!uploadId) return;
    // Not there: undone already. What stays in spite of all is swept by the app as a stale upload.
    const patience = AbortSignal.timeout(COMPLETE_TIMEOUT_MS);
    await insist(() => callApi("DELETE", `/uploads/${uploadId}`), patience).catch(() => null);
    void this.#queue.records.remove(uploadId);
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

  /** Something to draw anew. */
  touch() {
    this.revision += 1;
    this.#queue.changed();
  }

  /** `insist` with this upload's row saying what is waited for. */
  insist(act, signal) {
    return insist(act, signal, (wait) => this.#waits(wait));
  }

  /** What this browser keeps of it, should the page go away. */
  async keep() {
    if (this.gone.aborted || !this.ours || this.state === "done") return;
    const { key, uploadId, fileId = null, name, size, type, modified, folder, datasetId, print, handle } = this;
    await this.#queue.records.put({
      ...{ key, uploadId, fileId, name, size, type, modified, folder, datasetId, print, handle, tab: ownTab },
      ...{ partSize: this.parts?.partSize ?? null, at: Date.now() },
    });
  }

  async #goOn(signal) {
    if (this.uploadId) await this.#catchUp(signal);
    else if (!(await this.#begin(signal))) return;
    if (signal.aborted) throw new Cancelled();
    if (this.state === "reading") this.#is("sending");
    this.#sending ??= new Sending(this.#queue, this, this.parts);
    for (let round = 1; this.state !== "done"; round += 1) {
      if (!this.parts.whole) await this.#sending.all(signal);
      this.#is("finishing");
      if (canHash) await this.#sending.hashed(signal);
      if (!this.#unchanged()) {
        this.#is("sending");
        continue;
      }
      try {
        this.#finish(await this.#complete(signal));
      } catch (failure) {
        // The store may have lost a part to a restart: it names them, and they are sent again.
        if (failure.kind !== "parts-missing" || round >= ROUNDS) throw failure;
        for (const number of failure.missing) this.parts.etags.delete(number);
        this.#is("sending");
      }
    }
  }

  /** Begin it at the app; false where its content is on the shelf already and the user has to be asked. */
  async #begin(signal) {
    const looked = this.state === "reading" ? this.#waitForLook(signal) : null;
    const unreadable = await whyUnreadable(this.file);
    if (unreadable) throw unreadable;
    this.print ??= await fingerprint(this.file, this.#queue.hasher);
    if (!this.#anyway) this.twin = await findSameContent(this, this.#queue.hasher, signal);
    if (signal.aborted) throw new Cancelled();
    if (this.twin) {
      this.#is("same");
      return false;
    }
    await this.#start(signal);
    await looked;
    return true;
  }

  #waitForLook(signal) {
    const either = AbortSignal.any([signal, AbortSignal.timeout(LOOK_PATIENCE_MS)]);
    const over = new Promise((resolve) => either.addEventListener("abort", resolve));
    return Promise.race([this.looked, over]);
  }

  async #start(signal) {
    let unsure = false;
    const since = serverNow();
    const { body, at } = await this.insist(async () => {
      // The answer to an attempt before may have been lost: what it began is gone on with, not begun twice.
      const lost = unsure ? await findLost(this, since, this.#queue) : null;
      if (lost) return { body: lost };
      // Not aborted by a cancel: an upload the app has begun must be known here to be undone.
      this.#started = callApi("POST", "/uploads", { body: announcementOf(this) });
      return this.#started.catch((failure) => {
        this.#started = null;
        unsure ||= failure.kind === "app-away";
        throw failure;
      });
    }, signal);
    const before = this.key;
    this.#learnIds(body);
    void this.keep();
    void this.#queue.records.remove(before);
    this.#sending = new Sending(this.#queue, this, this.parts);
    this.#sending.keep(body.parts ?? [], at);
  }

  /** From the app's word: an answer to POST /uploads, or an item of GET /uploads. */
  #learnIds({ upload_id: uploadId, file_id: fileId, dataset_id: targetId, part_size: partSize }) {
    Object.assign(this, { uploadId, fileId, targetId, key: uploadId, parts: new Parts(this.size, partSize) });
  }

  /** After a pause, a failure or a reload: go on from the parts the store really has. */
  async #catchUp(signal) {
    const { body } = await this.insist(() => callApi("GET", `/uploads/${this.uploadId}`, { signal }), signal);
    this.parts.received(body.received);
    this.#previous = null;
    void this.keep();
  }

  /** Whether the file still holds what was sent of it before; parts of which it does not are sent again. */
  #unchanged() {
    const outdated = this.parts.outdated();
    for (const number of outdated) this.parts.etags.delete(number);
    return !outdated.length;
  }

  async #complete(signal) {
    const options = { body: { parts: this.parts.toPlain() }, timeout: COMPLETE_TIMEOUT_MS, signal };
    this.#completing = true;
    const { body } = await this.insist(() => callApi("POST", `/uploads/${this.uploadId}/complete`, options), signal);
    return body;
  }

  #finish(dataset) {
    const file = dataset.files?.find(({ id }) => id === this.fileId);
    const [rows, columns] = [file?.rows ?? null, file?.columns ?? null];
    this.result = { datasetId: dataset.id, fileId: this.fileId, rows, columns };
    this.#is("done");
    void this.#queue.records.remove(this.key);
  }

  async #fail(failure, signal) {
    const known = failure instanceof Failure;
    this.failure = known ? failure : new Failure("fault", { detail: `This page had a fault: ${failure}` });
    const { kind } = this.failure;
    if (this.uploadId && ENDED.has(kind)) return this.lookForEnd(signal);
    if (kind === "part-mismatch" || kind === "size-mismatch") {
      // The store's own word on these parts is in doubt: Retry sends every one again.
      this.parts?.doubt();
    }
    if (kind === "checksum-mismatch") this.#forget();
    this.#queue.records.failed?.(this);
    this.#is("failed");
  }

  /** It is not under way any more: on the shelf, where another tab or device (or we, unheard) completed it; or gone. */
  async lookForEnd(signal = this.gone) {
    const complete = () => callApi("POST", `/uploads/${this.uploadId}/complete`, { body: { parts: [] }, signal });
    try {
      const { body } = await this.insist(complete, signal);
      this.failure = null;
      this.byOthers = !this.#completing;
      this.#finish(body);
    } catch (failure) {
      if (failure instanceof Cancelled) return;
      // Only where the app no longer knows of it is there nothing to lose by beginning anew.
      const gone = failure.kind === "upload-not-found";
      const missing = failure.kind === "parts-missing";
      // What is missing may still be on its way, from whoever sends it too.
      if (!missing || this.failure?.kind !== "part-superseded") {
        this.failure = gone || missing ? new Failure("upload-gone") : failure;
      }
      if (gone) this.#forget();
      this.#is("failed");
    }
  }

  /** The next run begins it anew. */
  #forget() {
    void this.#queue.records.remove(this.key);
    Object.assign(this, { uploadId: null, fileId: null, targetId: null, parts: null, key: makeId() });
    this.#started = this.#sending = null;
    this.#completing = false;
    void this.keep();
  }

  #is(state) {
    this.state = state;
    this.touch();
  }

  #waits(wait) {
    if (JSON.stringify(this.wait) === JSON.stringify(wait)) return;
    this.wait = wait;
    this.touch();
  }
}
