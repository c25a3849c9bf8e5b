// One upload in the picker's list: state tile, name and size, one sentence, actions, bar.

const TILES = {
  waiting: ["schedule", "calm"],
  reading: ["search", "busy"],
  sending: ["arrow_upward", "busy"],
  finishing: ["arrow_upward", "busy"],
  failed: ["priority_high", "failed"],
  done: ["check", "done"],
};
// What needs the user's eye comes first; within a state, in the order the files were added.
const RANKS = { reading: 0, sending: 0, finishing: 0, failed: 1, waiting: 2, done: 3 };
const NOTICE_MS = 6_000;
const SLOWEST = 1_000; // Bytes/s; below, an upload is waiting for its lane and its speed says nothing.

class Row {
  element = make("li", "row");
  #upload;
  #queue;
  #open;
  #revision = -1;
  #state = "";
  #notice = "";
  #tile = make("span", "tile");
  #sentence = make("p", "sentence");
  #main = make("div", "main-actions");
  #side = make("div", "side-actions");
  #look;
  #bar;

  constructor(upload, queue, open) {
    this.#upload = upload;
    this.#queue = queue;
    this.#open = open;
    this.#look = new LookView(upload);
    this.#bar = makeBar(`Upload of ${upload.name}`);
    const where = upload.folder ? ` · ${upload.folder}` : "";
    const name = make("span", "name", upload.name);
    name.title = upload.folder ? `${upload.folder}/${upload.name}` : upload.name;
    const title = make("p", "title", name, " ", make("span", "size", formatSize(upload.size) + where));
    const words = make("div", "words", title, this.#sentence);
    this.element.append(this.#tile, words, this.#main, this.#side, this.#look.element, this.#bar);
  }

  /** Draw what has changed since the last time. */
  update() {
    const upload = this.#upload;
    if (upload.revision === this.#revision) return;
    this.#revision = upload.revision;
    if (upload.state !== this.#state) this.#drawState(upload.state);
    this.#drawSentence();
    this.#look.update(() => upload.change(() => this.#open(upload)));
    const fraction = upload.fraction();
    this.#bar.hidden = upload.state === "done" || (upload.state === "failed" && !fraction);
    setBar(this.#bar, fraction);
  }

  #drawState(state) {
    this.#state = state;
    const [shape, tone] = TILES[state];
    this.element.dataset.state = state;
    this.element.dataset.tone = tone;
    this.#tile.replaceChildren(icon(shape));
    const had = [this.#main, this.#side].some((place) => place.contains(place.getRootNode().activeElement));
    this.#main.replaceChildren(...this.#mainButtons(state));
    this.#side.replaceChildren(...this.#sideButtons(state));
    // The pressed button is gone with the old state: the keyboard stays in this row.
    if (had) (this.#main.firstChild ?? this.#side.firstChild)?.focus();
  }

  #mainButtons(state) {
    if (state === "failed") {
      const retry = { text: "Retry", iconName: "refresh" };
      return [this.#named(makeButton("button", retry, () => this.#queue.retry(this.#upload)), "Retry")];
    }
    if (state === "done") {
      const open = () => this.#open(this.#upload);
      return [this.#named(makeButton("button", { text: "Open dataset" }, open), "Open dataset")];
    }
    return [];
  }

  #sideButtons(state) {
    if (state === "done") {
      const label = `Copy a download link to ${this.#upload.name}`;
      return [makeButton("button quiet", { iconName: "link", label }, () => this.#copyLink())];
    }
    const label = state === "failed" ? `Remove ${this.#upload.name}` : `Cancel ${this.#upload.name}`;
    return [makeButton("button quiet", { iconName: "close", label }, () => this.#queue.cancel(this.#upload))];
  }

  #named(button, verb) {
    button.setAttribute("aria-label", `${verb}: ${this.#upload.name}`);
    return button;
  }

  #drawSentence() {
    const parts = this.#parts();
    if (this.#sentence.textContent === parts.join(" · ")) return;
    this.#sentence.replaceChildren(
      ...parts.flatMap((part, index) => {
        const strong = index === 0 && part.endsWith(" %");
        const words = make(strong ? "strong" : "span", "", part);
        return index ? [make("span", "dot", " · "), words] : [words];
      }),
    );
  }

  #parts() {
    const upload = this.#upload;
    if (this.#notice) return [this.#notice];
    switch (upload.state) {
      case "reading":
        return [upload.note || "Reading the first rows; the upload starts by itself"];
      case "waiting":
        return [this.#queue.awaited ? `Waiting until ${this.#queue.awaited} answers again` : "Waiting for its turn"];
      case "failed":
        return [upload.sentence()];
      case "finishing":
        return upload.note ? ["All bytes sent", upload.note] : ["All bytes sent", "checking them with the store"];
      case "done": {
        const read = describe(upload.result);
        return read.length ? [...read, "checked, complete"] : ["Checked, complete"];
      }
      default: {
        const percent = formatPercent(upload.fraction());
        if (upload.note) return [percent, upload.note];
        if (!upload.uploadId) return ["Starting"];
        const left = upload.secondsLeft();
        if (upload.speed < SLOWEST || left === null) return [percent];
        return [percent, formatSpeed(upload.speed), formatTimeLeft(left)];
      }
    }
  }

  async #copyLink() {
    try {
      const link = callApi("GET", `/files/${this.#upload.result.fileId}/download-url`).then(({ body }) => body);
      await copyText(link.then(({ url }) => url));
      this.#say(`Link copied, good for ${formatDuration((await link).expiry_sec)}`);
    } catch (failure) {
      const reason = failure instanceof Failure ? sentenceFor(failure, "") : "The browser did not let this page copy.";
      this.#say(`No link was copied. ${reason}`);
    }
  }

  #say(notice) {
    this.#notice = notice;
    this.#redraw();
    this.#queue.dispatchEvent(new CustomEvent("announce", { detail: notice }));
    setTimeout(() => {
      if (this.#notice !== notice) return;
      this.#notice = "";
      this.#redraw();
    }, NOTICE_MS);
  }

  #redraw() {
    this.#revision = -1;
    this.update();
  }
}

/** ["344 rows × 7 columns"], as far as it is known. */
function describe({ rows, columns }) {
  if (rows === null && columns === null) return [];
  if (rows === null) return [plural(columns, "column")];
  return [columns === null ? plural(rows, "row") : `${plural(rows, "row")} × ${plural(columns, "column")}`];
}

/** Put a text that is still on its way on the clipboard. */
async function copyText(promise) {
  if (navigator.clipboard?.write && window.ClipboardItem) {
    // Handed over as a promise, the copy still counts as the user's click when the text arrives (Safari).
    const blob = promise.then((text) => new Blob([text], { type: "text/plain" }));
    await navigator.clipboard.write([new ClipboardItem({ "text/plain": blob })]);
    return;
  }
  // Pages that are neither https nor on this machine have no clipboard API.
  const area = make("textarea", "");
  area.value = await promise;
  area.style.position = "fixed";
  area.style.opacity = "0";
  document.body.append(area);
  area.select();
  const copied = document.execCommand("copy");
  area.remove();
  if (!copied) throw new Error("not copied");
}
