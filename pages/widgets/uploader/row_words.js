// What a row of the list says of its upload.

const SLOWEST = 1_000; // Bytes/s; below, an upload is waiting for its lane and its speed says nothing.

function sendingWords(upload) {
  const percent = formatPercent(upload.fraction());
  const slower = upload.throughApp ? ["through Datashelf, the slower way"] : [];
  if (upload.wait) return upload.wait.seconds === null ? [upload.waitingFor()] : [percent, upload.waitingFor()];
  if (!upload.uploadId) return ["Starting"];
  const left = upload.secondsLeft();
  if (upload.speed < SLOWEST || left === null) return [percent, ...slower];
  return [percent, formatSpeed(upload.speed), formatTimeLeft(left), ...slower];
}

function pausedWords(upload) {
  if (!upload.safe()) return ["Paused before the first part was stored"];
  return [`Paused at ${upload.safe()}`, `${formatSize(upload.stored())} are safely stored`];
}

/** "4.1 of 6.0 GB stored", and what to do next. */
function interruptedWords(upload) {
  if (upload.refusal) return [upload.refusal];
  const next = upload.handle ? "Resume goes on from there" : "choose the file again to go on from there";
  const begun = upload.ours ? [] : ["begun on another device"];
  return [...storedWords(upload), ...begun, next];
}

function storedWords(upload) {
  if (!upload.stored()) return ["Nothing stored yet"];
  return [`${formatProgress(upload.stored(), upload.size)} stored`];
}

function discardQuestion(upload) {
  const stored = upload.stored() ? `The ${formatSize(upload.stored())} stored of it are removed.` : "Nothing is stored of it.";
  return `Discard ${upload.name}? ${stored}`;
}

/** ["344 rows × 7 columns"], as far as it is known. */
function describe({ rows, columns }) {
  if (rows === null && columns === null) return [];
  if (rows === null) return [plural(columns, "column")];
  return [columns === null ? plural(rows, "row") : `${plural(rows, "row")} × ${plural(columns, "column")}`];
}
