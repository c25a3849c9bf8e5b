// The sidebar's card: how the uploads stand, wherever the user is.

const LINES = 4;
const SHAPES_OF = {
  waiting: "schedule",
  paused: "pause",
  interrupted: "pause",
  same: "copy_all",
  failed: "priority_high",
  done: "check",
};
const WORDS_OF = { elsewhere: "in another tab", same: "asks you" };

class Tray {
  #root = make("section", "tray");
  #head = make("strong", "");
  #percent = make("span", "grey");
  #stored = make("p", "grey stored");
  #bar = makeBar("All uploads");
  #lines = make("ul", "lines");
  #more = make("p", "grey more");
  #live = make("p", "live");
  #dismiss;
  #pause;
  #resume;

  constructor(parent, show) {
    this.#root.setAttribute("aria-label", "Uploads");
    this.#root.hidden = true;
    this.#live.setAttribute("role", "status");
    this.#dismiss = makeButton("action", { text: "Dismiss" }, () => window.__datashelf.dismiss());
    this.#pause = makeButton("action", { text: "Pause all" }, () => window.__datashelf.pauseAll());
    this.#resume = makeButton("action", { text: "Resume all" }, () => window.__datashelf.resumeAll());
    const view = makeButton("action", { text: "Show" }, show);
    const actions = make("div", "actions", this.#pause, this.#resume, view, this.#dismiss);
    const head = make("p", "head", this.#head, this.#percent);
    const inside = make("div", "inside", head, this.#stored, this.#bar, this.#lines, this.#more);
    this.#root.append(inside, actions);
    parent.append(this.#root, this.#live);
  }

  draw(queue) {
    const uploads = shownOf(queue);
    this.#root.hidden = !uploads.length;
    if (!uploads.length) return;
    const { head, fraction, stored } = sumUp(queue, uploads);
    setText(this.#head, head);
    setText(this.#percent, stored || fraction === null ? "" : formatPercent(fraction));
    setText(this.#stored, stored ?? "");
    this.#stored.hidden = !stored;
    this.#bar.hidden = fraction === null;
    setBar(this.#bar, fraction ?? 1);
    const sorted = uploads.toSorted((a, b) => RANKS[a.state] - RANKS[b.state] || a.id - b.id);
    this.#drawLines(sorted.slice(0, LINES));
    this.#more.hidden = sorted.length <= LINES;
    setText(this.#more, `and ${(sorted.length - LINES).toLocaleString("en-US")} more`);
    this.#dismiss.hidden = !allDone(uploads);
    const pending = uploads.some((upload) => upload.pending);
    this.#pause.hidden = !pending;
    this.#resume.hidden = pending || !uploads.some((upload) => queue.resumes(upload));
  }

  announce(sentence) {
    if (!window.__datashelf.listed) setText(this.#live, sentence);
  }

  remove() {
    this.#root.remove();
    this.#live.remove();
  }

  #drawLines(uploads) {
    while (this.#lines.children.length > uploads.length) this.#lines.lastChild.remove();
    uploads.forEach((upload, index) => {
      const line = this.#lines.children[index] ?? this.#addLine();
      const [place, name, state] = line.children;
      const shape = SHAPES_OF[upload.state] ?? "arrow_upward";
      if (line.dataset.shape !== shape) place.replaceChildren(icon(shape));
      line.dataset.shape = shape;
      line.dataset.state = upload.state;
      setText(name, upload.name);
      name.title = upload.name;
      setText(state, upload.active ? formatPercent(upload.fraction()) : (WORDS_OF[upload.state] ?? upload.state));
    });
  }

  #addLine() {
    const line = make("li", "", make("span", "shape"), make("span", "name"), make("span", "state"));
    this.#lines.append(line);
    return line;
  }
}

export default function ({ parentElement, setTriggerValue }) {
  // A change of theme calls this again on the same element, without a clean-up in between.
  parentElement.datashelfStop?.();
  const tray = new Tray(parentElement, () => setTriggerValue("show", "upload"));
  const unwatch = watchQueue(
    (queue) => tray.draw(queue),
    (sentence) => tray.announce(sentence),
  );
  const stop = () => {
    unwatch();
    tray.remove();
  };
  parentElement.datashelfStop = stop;
  return stop;
}
