// The phone's one line at the bottom edge, in place of the tray: there the sidebar is closed.

// The page gets as much room below as the pill covers; the style sits in the page, outside the component's shadow.
const ROOM = "@media (max-width: 640px) { [data-testid='stMainBlockContainer'] { padding-bottom: 7rem !important; } }";

class Pill {
  #root = make("div", "pill");
  #head = make("span", "head");
  #failed = make("span", "failed");
  #dismiss;
  #room = make("style", "");

  constructor(parent, show) {
    this.#root.hidden = true;
    const open = makeButton("open", {}, show);
    open.append(this.#head, this.#failed);
    const cross = { iconName: "close", label: "Dismiss" };
    this.#dismiss = makeButton("button quiet", cross, () => window.__datashelf.dismiss());
    this.#root.append(open, this.#dismiss);
    parent.append(this.#root);
    this.#room.textContent = ROOM;
  }

  draw(queue) {
    const uploads = shownOf(queue);
    this.#root.hidden = !uploads.length;
    if (!uploads.length) {
      this.#room.remove();
      return;
    }
    if (!this.#room.isConnected) document.head.append(this.#room);
    const { head, fraction, failed, stored } = sumUp(queue, uploads);
    const far = stored ?? (fraction === null ? "" : formatPercent(fraction));
    setText(this.#head, far ? `${head} · ${far}` : head);
    setText(this.#failed, failed ? `${failed.toLocaleString("en-US")} failed` : "");
    this.#dismiss.hidden = !allDone(uploads);
  }

  remove() {
    this.#root.remove();
    this.#room.remove();
  }
}

export default function ({ parentElement, setTriggerValue }) {
  // A change of theme calls this again on the same element, without a clean-up in between.
  parentElement.datashelfStop?.();
  // On every page but the one that lists them: after a reload the frame says what was under way.
  theQueue();
  // Fixed to the screen's edge, it takes no place among the page's elements, and none of the gaps between them.
  const place = parentElement.host.closest("[data-testid='stElementContainer']");
  if (place) place.style.position = "absolute";
  const pill = new Pill(parentElement, () => setTriggerValue("show", "upload"));
  const unwatch = watchQueue((queue) => pill.draw(queue));
  const stop = () => {
    unwatch();
    pill.remove();
  };
  parentElement.datashelfStop = stop;
  return stop;
}
