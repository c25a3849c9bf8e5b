// The tab's one upload queue, on `window.__datashelf`: it outlives every component that shows it.
//
// Events: "change" (something to draw anew), "completed" (detail: the Upload), "announce" (detail: a sentence).

const AHEAD = 2; // Files begun beyond the lanes, so that small ones need not wait for each other's calls to the app.
const TICK_MS = 500; // Each is drawn, which without a graphics card takes from the upload.
const COUNT_CHECK_MS = 700; // Between looks for the rows of completed files,
const COUNT_FOR_MS = 15_000; // as long as this after each.
const OUTAGES = new Set(["offline", "store-away", "app-away"]);

class UploadQueue extends EventTarget {
  /** In the order they were added. */
  uploads = [];
  /** {dataset_id, file_id, name} of every upload completed since the tab was opened. */
  completed = [];
  lanes = new Lanes();
  routes = new Routes();
  hasher = new Hasher();
  records = new Records();

  #looks = new Looks();
  #unfinished = new Unfinished(this);
  #pickers = [];
  #running = 0;
  #bytes = 0;
  #drawing = false;
  #learning = false;
  #awaitedBefore = "";
  #timer = null;
  #renewAt = 0;

  /**
   * Add files ({file, folder, handle}), as versions of a dataset or, without one, as new datasets. Those that uploads of
   * an earlier time wait for go on with them.
   */
  async add(files, datasetId = null) {
    const fresh = [];
    let known = 0;
    for (const one of files) {
      const waiting = this.of(datasetId).filter((upload) => upload.wantsFile && mayBe(upload, one.file, one.folder));
      if (waiting.length && (await this.#unfinished.takes(waiting, one))) known += 1;
      else fresh.push(one);
    }
    if (known) this.#announce(known === 1 ? "1 upload goes on." : `${plural(known, "upload")} go on.`);
    if (fresh.length) this.#addFresh(fresh, datasetId, files.length);
  }

  /** Go on with a paused, failed or interrupted upload; one that needs the user's leave to read its file asks for it. */
  async resume(upload) {
    if (upload.state === "interrupted") await this.#unfinished.reopen(upload);
    else this.wait(upload);
  }

  /** The user says that this is the file an upload waits for. */
  offer(upload, file, handle) {
    return this.#unfinished.offer(upload, file, handle);
  }

  /** Let an upload take its turn. */
  wait(upload) {
    if (upload.pending) return; // Pressed twice.
    upload.failure = null;
    upload.refusal = "";
    upload.solo = false;
    upload.become("waiting");
    this.#pump();
  }

  retryAll(datasetId = null) {
    for (const upload of this.of(datasetId)) if (upload.state === "failed") this.wait(upload);
  }

  pauseAll(datasetId = null) {
    for (const upload of this.of(datasetId)) this.pause(upload);
  }

  pause(upload) {
    if (!upload.pending || upload.state === "finishing") return;
    upload.pause();
    this.#watch();
  }

  async resumeAll(datasetId = null) {
    const resumed = this.of(datasetId).filter((upload) => this.resumes(upload));
    // One after the other: the browser asks for its leave once for each that needs it.
    for (const upload of resumed) await this.resume(upload);
  }

  /** Whether a press of Resume is all it takes. */
  resumes(upload) {
    return upload.state === "paused" || (upload.state === "interrupted" && upload.handle !== null);
  }

  /** Send what is on the shelf already once more. */
  sendAnyway(upload) {
    const { solo } = upload;
    upload.sendAnyway();
    this.wait(upload);
    upload.solo = solo;
  }

  sendAllAnyway(datasetId = null) {
    for (const upload of this.of(datasetId)) if (upload.state === "same") this.sendAnyway(upload);
  }

  cancel(upload) {
    this.#announce(`${upload.name} ${upload.state === "interrupted" ? "discarded" : "cancelled"}.`);
    this.drop(upload);
    void upload.cancel();
  }

  /** Show it no more. */
  drop(upload) {
    this.uploads = this.uploads.filter((other) => other !== upload);
    this.changed();
    this.#pump();
  }

  cancelUnfinished(datasetId = null) {
    for (const upload of this.of(datasetId)) if (upload.unfinished) this.cancel(upload);
  }

  clearFinished(datasetId = null) {
    const gone = new Set(this.of(datasetId).filter((upload) => upload.state === "done"));
    this.uploads = this.uploads.filter((upload) => !gone.has(upload));
    this.changed();
  }

  /** The tray's Dismiss: done uploads stay in the list of the Upload page, but no longer in the frame. */
  dismiss() {
    for (const upload of this.uploads) if (upload.state === "done") upload.seen = true;
    this.changed();
  }

  /** All uploads, or one dataset's. */
  of(datasetId) {
    if (!datasetId) return this.uploads;
    return this.uploads.filter((upload) => upload.datasetId === datasetId || upload.targetId === datasetId);
  }

  /** {reading, sending, waiting, paused, interrupted, elsewhere, same, failed, done, bytes, size} over some uploads. */
  totals(uploads = this.uploads) {
    const totals = { bytes: 0, size: 0 };
    for (const state of Object.keys(RANKS)) totals[state] = 0;
    for (const upload of uploads) {
      totals[upload.state === "finishing" ? "sending" : upload.state] += 1;
      totals.bytes += upload.sent();
      totals.size += upload.size;
    }
    return totals;
  }

  /** Look, from now on, for what was begun at another time or place. */
  open() {
    void this.#unfinished.open();
  }

  /** A picker shows the queue from now on; call what is returned when it does no more. */
  show(picker) {
    this.#pickers.push(picker);
    this.changed();
    void this.#unfinished.look();
    return () => {
      this.#pickers = this.#pickers.filter((other) => other !== picker);
      this.changed();
    };
  }

  /** The picker that takes what is dropped on the page: the last one shown, as in a dialog over a page. */
  get foremost() {
    return this.#pickers.at(-1) ?? null;
  }

  /** Whether a picker lists all uploads, so that the frame need not. */
  get listed() {
    return this.#pickers.some(({ datasetId }) => !datasetId);
  }

  // What follows is for Upload.

  /** Who is not answering ("the store", "Datashelf", "the network"), so that what was not begun yet waits; else "". */
  get awaited() {
    const kind = this.uploads.find(({ wait }) => wait && wait.seconds === null && OUTAGES.has(wait.kind))?.wait.kind;
    return { "store-away": "the store", "app-away": "Datashelf", offline: "the network" }[kind] ?? "";
  }

  count(bytes) {
    if (bytes > 0) this.#bytes += bytes;
    // A hidden tab's timers may stand still for a minute.
    this.#renew();
  }

  /** Tell the views, once for all changes of this turn. */
  changed() {
    if (this.#drawing) return;
    this.#drawing = true;
    setTimeout(() => {
      this.#drawing = false;
      // The end of an outage lets what waits begin; its beginning is said in the rows that wait.
      const awaited = this.awaited;
      if (awaited !== this.#awaitedBefore) {
        for (const upload of this.uploads) if (upload.state === "waiting") upload.revision += 1;
        this.#awaitedBefore = awaited;
        this.#pump();
      }
      this.dispatchEvent(new Event("change"));
    });
  }

  announce(sentence) {
    this.#announce(sentence);
  }

  #addFresh(files, datasetId, dropped) {
    const resting = new Set(["done", "interrupted", "elsewhere"]);
    const alone = dropped === 1 && this.uploads.every((upload) => resting.has(upload.state));
    for (const upload of this.uploads) {
      upload.solo = false;
      if (alone && upload.state === "done") upload.seen = true;
    }
    const added = files.map((one) => new Upload(this, { ...one, datasetId }));
    if (alone) added[0].solo = true;
    this.uploads.push(...added);
    for (const upload of added) void upload.keep();
    this.#announce(added.length === 1 ? `${added[0].name} added.` : `${plural(added.length, "file")} added.`);
    this.changed();
    this.#looks.ask(added);
    this.#pump();
  }

  #pump() {
    while (!this.awaited && this.#running < this.lanes.limit + AHEAD) {
      const waiting = this.uploads.filter((upload) => upload.state === "waiting");
      if (!waiting.length) break;
      void this.#run(waiting.reduce((best, one) => (one.left() < best.left() ? one : best)));
    }
    this.#watch();
  }

  async #run(upload) {
    this.#running += 1;
    await upload.run();
    if (upload.state === "done") this.#complete(upload);
    if (upload.state === "failed") this.#announce(`${upload.name} failed. ${upload.sentence()}`);
    if (upload.state === "same") this.#announce(`${upload.name} is on the shelf already.`);
    this.#running -= 1;
    this.changed();
    this.#pump();
  }

  /** An upload was completed, by whom ever. */
  completes(upload) {
    this.#complete(upload);
  }

  #complete(upload) {
    const { datasetId, fileId } = upload.result;
    upload.doneAt = performance.now();
    this.completed.push({ dataset_id: datasetId, file_id: fileId, name: upload.name });
    const left = this.uploads.filter((other) => other.pending).length;
    this.#announce(left ? `${upload.name} uploaded, ${left} to go.` : `${upload.name} uploaded.`);
    this.dispatchEvent(new CustomEvent("completed", { detail: upload }));
    void this.#learnRows();
  }

  /** The app counts a text file's rows after the upload: look for a while, for all such files in one call. */
  async #learnRows() {
    if (this.#learning) return;
    this.#learning = true;
    for (let open; (open = this.#uncounted()).length; ) {
      await rest(COUNT_CHECK_MS, new AbortController().signal);
      if (!this.foremost) break;
      // The newest datasets, and some more where others work on the shelf too.
      const limit = Math.min(open.length + 10, 200);
      const { body } = await callApi("GET", `/datasets?sort=-updated_at&limit=${limit}`).catch(() => ({}));
      for (const { file_id: fileId, rows, columns } of body?.items ?? []) {
        const upload = open.find(({ result }) => result.fileId === fileId);
        if (!upload || (rows === upload.result.rows && columns === upload.result.columns)) continue;
        Object.assign(upload.result, { rows, columns });
        upload.revision += 1;
        this.changed();
      }
    }
    this.#learning = false;
  }

  /** A visitor, who is told of no dataset, is told of no rows either. */
  #uncounted() {
    const since = performance.now() - COUNT_FOR_MS;
    return this.uploads.filter(
      ({ state, result, doneAt }) =>
        state === "done" && result.datasetId && doneAt > since && (result.rows === null || result.columns === null),
    );
  }

  #announce(sentence) {
    this.dispatchEvent(new CustomEvent("announce", { detail: sentence }));
  }

  /** While something is under way: measure and adapt the lanes; ask before a tab is closed that would lose something. */
  #watch() {
    const busy = this.#running > 0;
    const lost = !this.records.kept && this.uploads.some((upload) => upload.pending || upload.state === "same");
    if (lost) window.addEventListener("beforeunload", askBeforeLeaving);
    else window.removeEventListener("beforeunload", askBeforeLeaving);
    if (busy && !this.#timer) this.#timer = setInterval(() => this.#tick(), TICK_MS);
    if (!busy) {
      clearInterval(this.#timer);
      this.#timer = null;
    }
  }

  /** Where the browser has no locks, say that this tab lives (`tabs.js`). */
  #renew() {
    if (navigator.locks || performance.now() < this.#renewAt) return;
    this.#renewAt = performance.now() + RENEW_MS;
    for (const upload of this.uploads) if (upload.pending) void upload.keep();
  }

  #tick() {
    const now = performance.now();
    this.#renew();
    const before = this.lanes.limit;
    this.lanes.sample(now, this.#bytes);
    if (this.lanes.limit > before) this.#pump();
    for (const upload of this.uploads) if (upload.active) upload.measure(now);
    this.changed();
  }
}

function askBeforeLeaving(event) {
  event.preventDefault();
}

/** A file dropped beside every drop zone would replace the page, and end the uploads with it. */
function keepPage(event) {
  if (!event.dataTransfer?.types.includes("Files")) return;
  event.preventDefault();
  event.dataTransfer.dropEffect = "none";
}

function theQueue() {
  if (!window.__datashelf) {
    window.__datashelf = new UploadQueue();
    window.addEventListener("dragover", keepPage);
    window.addEventListener("drop", keepPage);
    window.dispatchEvent(new Event("datashelf-queue"));
    window.__datashelf.open();
  }
  return window.__datashelf;
}
