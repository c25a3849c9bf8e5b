// The drop zone and, below it, the list of the queue's uploads.

const ROWS_AT_FIRST = 100; // Hundreds of files are dropped at once; a click draws the rest.
const DRAG_GONE_MS = 600; // Browsers repeat dragover at least every 350 ms while a file hovers.
const SURE_MS = 5_000;

class Picker {
  #queue;
  #parts;
  #data;
  #args;
  #rows = new Map();
  #showAll = false;
  #sure = null;
  #drag = null;
  #wanting = null;
  #ends = new AbortController();
  #hide;

  constructor(queue, root, args) {
    this.#queue = queue;
    this.#args = args;
    this.#data = args.data;
    this.#parts = Object.fromEntries([...root.querySelectorAll("[data-part]")].map((one) => [one.dataset.part, one]));
    this.datasetId = this.#data.dataset_id;
    this.#drawZone();
    this.#parts.rows.replaceChildren();
    this.#listen();
    this.#hide = queue.show(this);
    this.#draw();
  }

  stop() {
    this.#ends.abort();
    this.#hide();
    clearTimeout(this.#drag);
  }

  #listen() {
    const { zone, choose, folder, tree, files, one, pause, resume, anyway, retry, cancel, clear, more, way } = this.#parts;
    const ends = { signal: this.#ends.signal };
    choose.onclick = () => this.#choose();
    folder.onclick = () => tree.click();
    zone.onclick = (event) => {
      if (event.target.closest("button, input") === null) void this.#choose();
    };
    for (const input of [files, tree]) input.onchange = () => this.#add(takeChosen(input));
    one.onchange = () => this.#offer(takeChosen(one));
    pause.onclick = () => this.#queue.pauseAll(this.datasetId);
    resume.onclick = () => this.#queue.resumeAll(this.datasetId);
    anyway.onclick = () => this.#queue.sendAllAnyway(this.datasetId);
    way.onclick = () => this.#args.setTriggerValue("open", { page: "storage" });
    retry.onclick = () => this.#queue.retryAll(this.datasetId);
    clear.onclick = () => this.#queue.clearFinished(this.datasetId);
    cancel.onclick = () => this.#cancelAll();
    more.onclick = () => {
      this.#showAll = true;
      this.#draw();
    };
    // The whole page takes a drop: nobody should miss the zone and lose the page to the file.
    window.addEventListener("dragover", (event) => this.#hover(event), ends);
    window.addEventListener("dragleave", (event) => event.relatedTarget === null && this.#hovers(false), ends);
    window.addEventListener("drop", (event) => this.#dropped(event), ends);
    this.#queue.addEventListener("change", () => this.#draw(), ends);
    this.#queue.addEventListener("announce", ({ detail }) => setText(this.#parts.live, detail), ends);
    this.#queue.addEventListener("completed", ({ detail }) => this.#completed(detail), ends);
  }

  #takes(event) {
    return !this.#data.closed && this.#queue.foremost === this && event.dataTransfer?.types.includes("Files");
  }

  #hover(event) {
    if (!this.#takes(event)) return;
    event.preventDefault();
    event.dataTransfer.dropEffect = "copy";
    this.#hovers(true);
  }

  #hovers(over) {
    this.#parts.zone.classList.toggle("over", over);
    clearTimeout(this.#drag);
    if (over) this.#drag = setTimeout(() => this.#hovers(false), DRAG_GONE_MS);
  }

  async #dropped(event) {
    this.#hovers(false);
    if (!this.#takes(event)) return;
    event.preventDefault();
    this.#add(await takeDrop(event.dataTransfer));
  }

  #add({ files, notice }) {
    setText(this.#parts.notice, notice);
    this.#parts.notice.hidden = !notice;
    if (files.length) void this.#queue.add(files, this.datasetId);
  }

  async #choose() {
    const chosen = await askForFiles({ multiple: true });
    if (chosen) this.#add(chosen);
    else this.#parts.files.click();
  }

  /** Ask for the file of one upload. */
  async #chooseFor(upload) {
    this.#wanting = upload;
    const chosen = await askForFiles({ multiple: false });
    if (chosen) this.#offer(chosen);
    else this.#parts.one.click();
  }

  #offer({ files: [first] }) {
    if (first) void this.#queue.offer(this.#wanting, first.file, first.handle);
  }

  #completed(upload) {
    if (!this.#queue.of(this.datasetId).includes(upload)) return;
    // Not after each file: every report reruns the page, and a rerun that crosses a click on another page undoes it.
    if (this.#queue.of(this.datasetId).some((other) => other.pending)) return;
    // The whole list every time: triggers are no queue, of several in one tick only the last arrives.
    this.#args.setStateValue("completed", [...this.#queue.completed]);
    const wished = this.#queue.of(this.datasetId).findLast((other) => other.wish);
    if (this.#data.visitor || (!upload.solo && !wished) || this.#queue.foremost !== this) return;
    upload.seen = true;
    const opened = wished ?? upload;
    this.#open(opened.result.datasetId, opened.wish);
    opened.wish = false;
  }

  #open(datasetId, change) {
    this.#args.setTriggerValue("open", { dataset_id: datasetId, change });
  }

  /** Asked once: the first press turns the button into the question. */
  #cancelAll() {
    if (this.#sure) {
      clearTimeout(this.#sure);
      this.#sure = null;
      this.#queue.cancelUnfinished(this.datasetId);
    } else {
      this.#sure = setTimeout(() => {
        this.#sure = null;
        this.#draw();
      }, SURE_MS);
    }
    this.#draw();
  }

  #drawZone() {
    const { icon: place, title, hint, zone } = this.#parts;
    place.replaceChildren(icon("upload_file"));
    this.#parts.pause.replaceChildren(icon("pause"), "Pause all");
    this.#parts.resume.replaceChildren(icon("play_arrow"), "Resume all");
    const name = this.#data.dataset_name;
    const version = `Drop a new version${name ? ` of ${name}` : ""} here`;
    title.dataset.empty = this.datasetId ? version : "Drop files or a folder here";
    title.dataset.full = this.datasetId ? version : "Drop more files here";
    const told = "CSV, Parquet, JSON, Excel, or zipped. Up to 5 TB each; closing the tab only pauses them.";
    setText(hint, this.#data.hint ?? told);
    // Who has no shelf here is told of no dataset, and has nothing to look up.
    this.#parts.way.hidden = Boolean(this.#data.visitor);
    zone.hidden = Boolean(this.#data.closed);
  }

  #draw() {
    const { zone, title, choose, summary, rows, more } = this.#parts;
    const uploads = this.#queue.of(this.datasetId);
    const some = uploads.length > 0;
    zone.classList.toggle("slim", some);
    choose.classList.toggle("primary", !some);
    setText(title, some ? title.dataset.full : title.dataset.empty);
    summary.hidden = rows.hidden = !some;
    this.#drawSummary(uploads);
    const sorted = uploads.toSorted((a, b) => RANKS[a.state] - RANKS[b.state] || a.id - b.id);
    const shown = this.#showAll ? sorted : sorted.slice(0, ROWS_AT_FIRST);
    this.#drawRows(shown);
    more.hidden = shown.length === sorted.length;
    setText(more, `Show all ${sorted.length.toLocaleString("en-US")}`);
  }

  #drawSummary(uploads) {
    const { count, totals: line, pause, resume, anyway, retry, cancel, clear, unhashed, slower } = this.#parts;
    const totals = this.#queue.totals(uploads);
    const words = [
      [totals.reading, "reading"],
      [totals.sending, "uploading"],
      [totals.paused, "paused"],
      [totals.interrupted, "interrupted"],
      [totals.elsewhere, "in another tab"],
      [totals.same, "on the shelf already"],
      [totals.waiting, "waiting"],
      [totals.failed, "failed"],
      [totals.done, this.#data.visitor ? "received" : "done"],
    ]
      .filter(([number]) => number)
      .map(([number, word]) => `${number.toLocaleString("en-US")} ${word}`);
    setText(count, plural(uploads.length, "file"));
    setText(line, `${words.join(", ")} · ${formatProgress(totals.bytes, totals.size)}`);
    const pending = totals.reading + totals.sending + totals.waiting;
    const unfinished = pending + totals.paused;
    const resumable = uploads.filter((upload) => this.#queue.resumes(upload)).length;
    pause.hidden = !pending;
    resume.hidden = !resumable || pending > 0;
    anyway.hidden = totals.same < 2;
    unhashed.hidden = canHash;
    slower.hidden = !uploads.some(({ throughApp }) => throughApp);
    retry.hidden = totals.failed < 2;
    // What a visitor has sent is told nowhere else.
    clear.hidden = !totals.done || Boolean(this.#data.visitor);
    cancel.hidden = unfinished < 2 && !this.#sure;
    setText(cancel, this.#sure ? `Cancel ${plural(unfinished, "upload")}?` : "Cancel all");
  }

  #rowOf(upload) {
    const choose = (one) => this.#chooseFor(one);
    if (this.#data.visitor) return new Row(upload, this.#queue, { choose });
    return new Row(upload, this.#queue, { choose, open: (datasetId, change) => this.#open(datasetId, change) });
  }

  #drawRows(uploads) {
    const list = this.#parts.rows;
    const wanted = new Set(uploads);
    for (const [upload, row] of this.#rows) {
      if (wanted.has(upload)) continue;
      row.element.remove();
      this.#rows.delete(upload);
    }
    let place = list.firstChild;
    for (const upload of uploads) {
      let row = this.#rows.get(upload);
      if (!row) this.#rows.set(upload, (row = this.#rowOf(upload)));
      row.update();
      if (row.element === place) place = place.nextSibling;
      else moveBefore(list, row.element, place);
    }
  }
}

/** Put a row elsewhere without taking the keyboard's focus from it. */
function moveBefore(list, element, place) {
  const focused = element.contains(element.getRootNode().activeElement) ? element.getRootNode().activeElement : null;
  list.insertBefore(element, place);
  focused?.focus();
}
