// One upload in the picker's list: state tile, name and size, one sentence, actions, bar.

const TILES = {
  waiting: ["schedule", "calm"],
  reading: ["search", "busy"],
  sending: ["arrow_upward", "busy"],
  finishing: ["arrow_upward", "busy"],
  paused: ["pause", "calm"],
  interrupted: ["pause", "calm"],
  elsewhere: ["arrow_upward", "calm"],
  same: ["copy_all", "asks"],
  failed: ["priority_high", "failed"],
  done: ["check", "done"],
};
const NOTICE_MS = 6_000;
const NO_RETRY = new Set(["invalid-size", "invalid-file-name", "link-ended"]); // Nor would a second try be taken.

class Row {
  element = make("li", "row");
  #upload;
  #queue;
  #revision = -1;
  #drawn = "";
  #asks = false;
  #notice = "";
  #tile = make("span", "tile");
  #sentence = make("p", "sentence");
  #main = make("div", "main-actions");
  #side = make("div", "side-actions");
  #look;
  #bar;

  #act;

  /**
   * `act` is what the list does for its rows: `choose(upload)`, and `open(datasetId, change)` for those who see what
   * becomes of a file.
   */
  constructor(upload, queue, act) {
    this.#upload = upload;
    this.#queue = queue;
    this.#act = act;
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
    const drawn = [upload.state, upload.wantsFile, upload.handle !== null, this.#asks].join();
    if (drawn !== this.#drawn) this.#drawState(upload.state, drawn);
    this.element.toggleAttribute("data-refused", Boolean(upload.refusal));
    this.#drawSentence();
    this.#look.update(() => upload.change(() => this.#openResult()));
    const fraction = upload.fraction();
    const moves = upload.state !== "failed" && upload.state !== "interrupted" && upload.state !== "elsewhere";
    this.#bar.hidden = upload.state === "done" || upload.state === "same" || !(moves || fraction);
    setBar(this.#bar, fraction);
  }

  #drawState(state, drawn) {
    this.#drawn = drawn;
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
    const upload = this.#upload;
    if (this.#asks) {
      const discard = () => this.#queue.cancel(upload);
      return [this.#button("Discard", null, discard), this.#button("Keep", null, () => this.#ask(false))];
    }
    if (upload.wantsFile && !this.#queue.resumes(upload)) {
      return [this.#button("Choose the file", "upload_file", () => this.#act.choose(upload))];
    }
    switch (state) {
      case "paused":
      case "interrupted":
        return [this.#button("Resume", "play_arrow", () => this.#queue.resume(upload))];
      case "failed":
        return NO_RETRY.has(upload.failure.kind) ? [] : [this.#button("Retry", "refresh", () => this.#queue.resume(upload))];
      case "same":
        return [
          this.#button("Open it", null, () => this.#openTwin()),
          this.#button("Upload anyway", null, () => this.#queue.sendAnyway(upload)),
        ];
      case "done":
        return this.#act.open ? [this.#button("Open dataset", null, () => this.#openResult())] : [];
      default:
        return [];
    }
  }

  #button(verb, iconName, onClick) {
    return this.#named(makeButton("button", { text: verb, ...(iconName && { iconName }) }, onClick), verb);
  }

  #sideButtons(state) {
    const upload = this.#upload;
    const { name } = upload;
    if (this.#asks || state === "elsewhere") return [];
    if (state === "done") {
      if (!this.#act.open) return [];
      const label = `Copy a download link to ${name}`;
      return [makeButton("button quiet", { iconName: "link", label }, () => this.#copyLink())];
    }
    const pause = { iconName: "pause", label: `Pause ${name}` };
    const pausable = state === "sending" || state === "waiting";
    const pauses = pausable ? [makeButton("button quiet", pause, () => this.#queue.pause(upload))] : [];
    const keeps = state === "interrupted" || (state === "paused" && upload.stored() > 0);
    const verb = keeps ? "Discard" : state === "failed" || state === "same" ? "Remove" : "Cancel";
    const cross = { iconName: "close", label: `${verb} ${name}` };
    // What is stored of it took its time: it is asked for once.
    const end = () => (keeps ? this.#ask(true) : this.#queue.cancel(upload));
    return [...pauses, makeButton("button quiet", cross, end)];
  }

  #ask(asks) {
    this.#asks = asks;
    this.#redraw();
  }

  #openResult() {
    this.#act.open(this.#upload.result.datasetId, this.#upload.wish);
    this.#upload.wish = false;
  }

  #openTwin() {
    const { datasetId } = this.#upload.twin;
    this.#queue.cancel(this.#upload);
    this.#act.open(datasetId, false);
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
        const strong = index === 0 && /^\d+ %$/.test(part);
        const words = make(strong ? "strong" : "span", "", part);
        return index ? [make("span", "dot", " · "), words] : [words];
      }),
    );
  }

  #parts() {
    const upload = this.#upload;
    if (this.#notice) return [this.#notice];
    if (this.#asks) return [discardQuestion(upload)];
    switch (upload.state) {
      case "reading":
        return [upload.waitingFor() || "Reading the first rows; the upload starts by itself"];
      case "waiting":
        return [this.#queue.awaited ? `Waiting until ${this.#queue.awaited} answers again` : "Waiting for its turn"];
      case "paused":
        return pausedWords(upload);
      case "interrupted":
        return interruptedWords(upload);
      case "elsewhere":
        return [...storedWords(upload), "being sent in another tab of this browser"];
      case "same":
        return [`Same content as ${upload.twin.datasetName}, version ${upload.twin.version}`];
      case "failed":
        return [upload.refusal || upload.sentence()];
      case "finishing":
        return ["All bytes sent", upload.waitingFor() || "checking them with the store"];
      case "done": {
        if (!this.#act.open) return ["Received"];
        const read = describe(upload.result);
        const how = upload.byOthers ? "completed in another tab or on another device" : "complete";
        return read.length ? [...read, how] : [how[0].toUpperCase() + how.slice(1)];
      }
      default:
        return sendingWords(upload);
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
