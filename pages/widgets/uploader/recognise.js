// Whether a file picked again is the one an upload was begun with.

const END_BYTES = 1_048_576; // From either end: as the app keeps them.
const DATES_DIFFER_MS = 2_000; // Some file systems count in steps of two seconds.

/** {head, tail}: SHA-256 of a file's first and last MiB, null where they cannot be computed. */
async function fingerprint(file, hasher) {
  const head = await hasher.digest(file.slice(0, END_BYTES, ""));
  if (file.size <= END_BYTES) return { head, tail: head };
  return { head, tail: await hasher.digest(file.slice(file.size - END_BYTES, file.size, "")) };
}

/** Whether a file may be the one that an upload waits for; its bytes have the last word. */
function mayBe(upload, file, folder) {
  if (upload.name !== file.name || upload.size !== file.size) return false;
  return !folder || !upload.folder || folder === upload.folder;
}

/**
 * Hold a file against what is known of an upload ({name, size, modified, print}): {differs, changed, print}.
 *
 * `differs` is "" where it is the same file, else what is not the same, in words; `changed` says that the date is
 * another one, so that what lies between the two ends may be, too. Rejects where the file cannot be read.
 */
async function recognise(upload, file, hasher) {
  const none = { changed: false, print: null };
  if (file.size !== upload.size) {
    return { ...none, differs: `it has ${exactSize(file.size, upload.size)}, not ${exactSize(upload.size, file.size)}` };
  }
  const print = await fingerprint(file, hasher);
  const changed = upload.modified === null || Math.abs(file.lastModified - upload.modified) > DATES_DIFFER_MS;
  const known = upload.print?.head && upload.print.tail && print.head && print.tail;
  if (known) {
    const head = print.head === upload.print.head;
    const tail = print.tail === upload.print.tail;
    const where = head ? "its end differs" : tail ? "its beginning differs" : "its beginning and its end differ";
    return { differs: head && tail ? "" : where, changed, print };
  }
  if (file.name !== upload.name) return { ...none, differs: "it has another name" };
  if (changed) return { ...none, differs: "it was changed at another time, and its bytes cannot be compared here" };
  return { differs: "", changed, print };
}

/** A size in words that tell it from another one. */
function exactSize(size, other) {
  const words = formatSize(size);
  return words === formatSize(other) ? plural(size, "byte") : words;
}
