// What the frame shows of the upload queue, shared by the sidebar's tray and the phone's pill.

const DONE_FOR_MS = 60_000; // How long the frame says that all is done.

/** Call `draw(queue)` now and after each change, also where the queue is made later. Returns the function to stop. */
function watchQueue(draw, announce) {
  const ends = new AbortController();
  const options = { signal: ends.signal };
  let dismissal = null;
  const redraw = () => {
    const queue = window.__datashelf;
    draw(queue);
    const finished = queue.uploads.some((upload) => !upload.seen) && allDone(shownOf(queue));
    if (!finished) {
      clearTimeout(dismissal);
      dismissal = null;
    } else dismissal ??= setTimeout(() => queue.dismiss(), DONE_FOR_MS);
  };
  const attach = () => {
    window.__datashelf.addEventListener("change", redraw, options);
    if (announce) window.__datashelf.addEventListener("announce", ({ detail }) => announce(detail), options);
    redraw();
  };
  if (window.__datashelf) attach();
  else window.addEventListener("datashelf-queue", attach, { ...options, once: true });
  return () => {
    ends.abort();
    clearTimeout(dismissal);
  };
}

/**
 * The uploads the frame shows: none where a picker on the page lists them, and of those that wait for their file only
 * this browser's own: the rest is on the Upload page.
 */
function shownOf(queue) {
  return queue.listed ? [] : queue.uploads.filter(({ seen, ours, state }) => !seen && (ours || state !== "interrupted"));
}

function allDone(uploads) {
  return uploads.every((upload) => upload.state === "done");
}

/** {head, fraction, failed}: "3 uploads", or how they stand; `fraction` is null once nothing is under way. */
function sumUp(queue, uploads) {
  const totals = queue.totals(uploads);
  const { failed } = totals;
  const under = totals.reading + totals.sending + totals.waiting;
  const resting = totals.paused + totals.interrupted + totals.elsewhere;
  const fraction = totals.size ? totals.bytes / totals.size : totals.done / uploads.length;
  if (under) return { head: plural(uploads.length - totals.done, "upload"), fraction, failed };
  if (resting) {
    const states = ["interrupted", "paused", "elsewhere"].filter((state) => totals[state]);
    const how = states.length > 1 ? "waiting for you" : { elsewhere: "in another tab" }[states[0]] ?? states[0];
    const some = uploads.filter(({ state }) => states.includes(state));
    const stored = queue.totals(some);
    const told = formatProgress(stored.bytes, stored.size);
    return { head: `${plural(resting, "upload")} ${how}`, stored: `${told} stored`, fraction, failed };
  }
  if (failed) return { head: `${plural(failed, "upload")} failed`, fraction: null, failed: 0 };
  if (totals.same) return { head: `${plural(totals.same, "file")} on the shelf already`, fraction: null, failed: 0 };
  return { head: `${plural(totals.done, "file")} uploaded`, fraction: null, failed: 0 };
}
