// The tab's one upload queue, on `window.__datashelf`: it outlives every component that shows it.
//
// Events: "change" (something to draw anew), "completed" (detail: the Upload), "announce" (detail: a sentence).

const AHEAD = 2; // Files begun beyond the lanes, so that small ones need not wait for each other's calls to the app.
const TICK_MS = 500; // Each is drawn, which without a graphics card takes from the upload.
const OUTAGE_CHECK_MS = 5_000;
const COUNT_CHECK_MS = 700; // Between looks for the rows of completed files,
const COUNT_FOR_MS = 15_000; // as long as this after each.

class UploadQueue extends EventTarget {
  /** In the order they were added. */
  uploads = [];
  /** {dataset_id, file_id, name} of every upload completed since the tab was opened. */
  completed = [];
  lanes = new Lanes();

  #looks = new Looks();
  #pickers = [];
  #running = 0;
  #bytes = 0;
  #outage = null;
  #drawing = false;
  #learning = false;
  #timer = null;

  /** Add files ({file, folder}), as versions of a dataset or, without one, as new datasets. */
  add(files, datasetId = null) {
    if (!files.length) return;
    const alone = files.length === 1 && this.uploads.every((upload) => upload.state === "done");
    for (const upload of this.uploads) {
      upload.solo = false;
      if (alone && upload.state === "done") upload.seen = true;
    }
    const added = files.map((one) => new Upload(this, { ...one, datasetId }));
    if (alone) added[0].solo = true;
    this.uploads.push(...added);
    this.#announce(added.length === 1 ? `${added[0].name} added.` : `${plural(added.length, "file")} added.`);
    this.changed();
    this.#looks.ask(added);
    this.#pump();
  }

  retry(upload) {
    this.#wait(upload);
    this.works();
  }

  retryAll() {
    for (const upload of this.uploads) if (upload.state === "failed") this.#wait(upload);
    this.works();
  }

  cancel(upload) {
    this.uploads = this.uploads.filter((other) => other !== upload);
    void upload.cancel();
    this.#announce(`${upload.name} cancelled.`);
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
    return datasetId ? this.uploads.filter((upload) => upload.datasetId === datasetId) : this.uploads;
  }

  /** {reading, sending, waiting, failed, done, bytes, size} over some uploads. */
  totals(uploads = this.uploads) {
    const totals = { reading: 0, sending: 0, waiting: 0, failed: 0, done: 0, bytes: 0, size: 0 };
    for (const upload of uploads) {
      totals[upload.state === "finishing" ? "sending" : upload.state] += 1;
      totals.bytes += upload.sent();
      totals.size += upload.size;
    }
    return totals;
  }

  /** A picker shows the queue from now on; call what is returned when it does no more. */
  show(picker) {
    this.#pickers.push(picker);
    this.changed();
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

  /** Who is not answering ("the store", "Datashelf"), so that what was not begun yet waits; else "". */
  get awaited() {
    return this.#outage === null ? "" : this.#outage === "store-away" ? "the store" : "Datashelf";
  }

  works() {
    this.#holdBack(null);
    this.#pump();
  }

  /** An upload gave up on an outage: what has not begun does not run into it too, but waits for its end. */
  fails(kind) {
    if (this.#outage === null) setTimeout(() => this.#checkOutage(), OUTAGE_CHECK_MS);
    this.#holdBack(kind);
  }

  count(bytes) {
    if (bytes > 0) this.#bytes += bytes;
  }

  /** Tell the views, once for all changes of this turn. */
  changed() {
    if (this.#drawing) return;
    this.#drawing = true;
    setTimeout(() => {
      this.#drawing = false;
      this.dispatchEvent(new Event("change"));
    });
  }

  #wait(upload) {
    upload.state = "waiting";
    upload.failure = null;
    upload.solo = false;
    upload.revision += 1;
    this.changed();
  }

  #holdBack(kind) {
    if (this.#outage === kind) return;
    this.#outage = kind;
    for (const upload of this.uploads) if (upload.state === "waiting") upload.revision += 1;
    this.changed();
  }

  async #checkOutage() {
    if (this.#outage === null) return;
    const ready = await fetch("/api/health/ready", { cache: "no-store", signal: AbortSignal.timeout(10_000) }).then(
      ({ ok }) => ok,
      () => false,
    );
    if (ready) this.works();
    else setTimeout(() => this.#checkOutage(), OUTAGE_CHECK_MS);
  }

  #pump() {
    while (this.#outage === null && this.#running < this.lanes.limit + AHEAD) {
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
    this.#running -= 1;
    this.changed();
    this.#pump();
  }

  #complete(upload) {
    const { datasetId, fileId } = upload.result;
    upload.doneAt = performance.now();
    this.completed.push({ dataset_id: datasetId, file_id: fileId, name: upload.name });
    const left = this.uploads.filter((other) => other.unfinished).length;
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

  #uncounted() {
    const since = performance.now() - COUNT_FOR_MS;
    return this.uploads.filter(
      ({ state, result, doneAt }) =>
        state === "done" && doneAt > since && (result.rows === null || result.columns === null),
    );
  }

  #announce(sentence) {
    this.dispatchEvent(new CustomEvent("announce", { detail: sentence }));
  }

  /** While something is under way: measure, adapt the lanes, and let the browser ask before the tab is closed. */
  #watch() {
    const busy = this.#running > 0;
    const unfinished = busy || this.uploads.some((upload) => upload.state === "waiting");
    if (unfinished) window.addEventListener("beforeunload", askBeforeLeaving);
    else window.removeEventListener("beforeunload", askBeforeLeaving);
    if (busy && !this.#timer) this.#timer = setInterval(() => this.#tick(), TICK_MS);
    if (!busy) {
      clearInterval(this.#timer);
      this.#timer = null;
    }
  }

  #tick() {
    const now = performance.now();
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
  }
  return window.__datashelf;
}
