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

/** The uploads the frame shows: none where a picker on the page lists them. */
function shownOf(queue) {
  return queue.listed ? [] : queue.uploads.filter((upload) => !upload.seen);
}

function allDone(uploads) {
  return uploads.every((upload) => upload.state === "done");
}

/** {head, fraction, failed}: "3 uploads", or how it ended; `fraction` is null once nothing is under way. */
function sumUp(queue, uploads) {
  const totals = queue.totals(uploads);
  const open = uploads.length - totals.done;
  const under = totals.reading + totals.sending + totals.waiting;
  const fraction = totals.size ? totals.bytes / totals.size : totals.done / uploads.length;
  if (under) return { head: plural(open, "upload"), fraction, failed: totals.failed };
  if (totals.failed) return { head: `${plural(totals.failed, "upload")} failed`, fraction: null, failed: 0 };
  return { head: `${plural(totals.done, "file")} uploaded`, fraction: null, failed: 0 };
}
