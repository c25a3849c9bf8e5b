// Files out of a drop or a file dialog, folders walked to their last file.

// What file managers leave in folders; nobody means to put it on a shelf.
const LEFT_OUT = new Set([".DS_Store", "Thumbs.db", "desktop.ini"]);

/**
 * The files of a drop: {files: [{file, folder, handle}], notice}. `folder` is the path below which a file was found;
 * `handle`, of a file dropped by itself, is the promise of the browser's own hold on it, where it gives one.
 * Must be called in the event itself: the browser empties the drop as soon as the handler returns.
 */
function takeDrop(transfer) {
  const items = [...(transfer.items ?? [])].filter((item) => item.kind === "file");
  const taken = items.map((item) => ({
    entry: item.webkitGetAsEntry?.() ?? null,
    file: item.getAsFile(),
    handle: item.getAsFileSystemHandle?.().catch(() => null) ?? null,
  }));
  const plain = taken.length ? [] : [...transfer.files].map((file) => ({ entry: null, file, handle: null }));
  return walk([...taken, ...plain]);
}

/**
 * Ask for files by the browser's own dialog, which gives handles; the files in the shape of `takeDrop`, none where the
 * user chose none. Null where the browser has no such dialog, or not here: then an <input> asks.
 */
async function askForFiles({ multiple }) {
  if (!window.showOpenFilePicker) return null;
  try {
    const handles = await window.showOpenFilePicker({ multiple });
    const files = await Promise.all(handles.map(async (handle) => ({ file: await handle.getFile(), folder: "", handle })));
    return sorted(files, []);
  } catch (error) {
    return error.name === "AbortError" ? { files: [], notice: "" } : null;
  }
}

/** The files of an <input>, in the shape of `takeDrop`. */
function takeChosen(input) {
  const files = [...input.files].map((file) => ({ file, folder: parentOf(file.webkitRelativePath), handle: null }));
  // Choosing the same file again fires no change event unless the old choice is cleared.
  input.value = "";
  return sorted(files, []);
}

async function walk(taken) {
  const files = [];
  const trouble = [];
  for (const { entry, file, handle } of taken) {
    if (!entry?.isDirectory) {
      if (file) files.push({ file, folder: "", handle });
      continue;
    }
    const before = files.length;
    await walkFolder(entry, files, trouble);
    if (files.length === before && !trouble.length) trouble.push(`The folder “${entry.name}” holds no files.`);
  }
  return sorted(files, trouble);
}

async function walkFolder(folder, files, trouble) {
  const folders = [folder];
  while (folders.length) {
    const current = folders.shift();
    const reader = current.createReader();
    try {
      // readEntries gives at most 100 at a time: ask until it gives none.
      for (let batch; (batch = await new Promise((ok, no) => reader.readEntries(ok, no))).length; ) {
        for (const entry of batch) {
          if (entry.isDirectory) {
            folders.push(entry);
          } else {
            const file = await new Promise((ok, no) => entry.file(ok, no));
            files.push({ file, folder: parentOf(entry.fullPath), handle: null });
          }
        }
      }
    } catch {
      const path = current.fullPath.slice(1);
      trouble.push(`“${path}” could not be read to its end; some of its files may be missing here.`);
    }
  }
}

function parentOf(path) {
  return path ? path.replace(/^\//, "").split("/").slice(0, -1).join("/") : "";
}

function sorted(found, trouble) {
  const files = found.filter(({ file }) => !LEFT_OUT.has(file.name));
  const count = found.length - files.length;
  if (count) trouble.push(`${plural(count, "system file")} left out (such as ${[...LEFT_OUT].join(", ")}).`);
  return { files, notice: trouble.join(" ") };
}
