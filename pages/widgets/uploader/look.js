// Looking into files before they are sent: the app reads their first and last bytes as it will read them on the shelf.

const LOOK_BYTES = 262_144; // From either end; the app takes no more.
const LOOKS_AT_ONCE = 2;
const LOOKS_A_DROP = 20; // Nobody reads on in a list of a thousand, and the app has others to serve.
const LOOK_TIMEOUT_MS = 15_000;

/** Looks into uploads a few at a time; those about to be sent come first. */
class Looks {
  #waiting = [];
  #running = 0;

  /** Look into the first of some uploads; each one's `looked` is settled when it is over. */
  ask(uploads) {
    for (const upload of uploads.slice(0, LOOKS_A_DROP)) {
      upload.looked = new Promise((ready) => this.#waiting.push({ upload, ready }));
    }
    this.#next();
  }

  #next() {
    while (this.#running < LOOKS_AT_ONCE && this.#waiting.length) {
      const pressing = this.#waiting.findIndex(({ upload }) => upload.state === "reading");
      const [{ upload, ready }] = this.#waiting.splice(Math.max(pressing, 0), 1);
      if (upload.state === "done" || upload.gone.aborted) {
        ready();
        continue;
      }
      this.#running += 1;
      void look(upload).then((found) => {
        upload.finds(found);
        ready();
        this.#running -= 1;
        this.#next();
      });
    }
  }
}

/** What the app finds in an upload's file, or null: a look that fails stops nothing and says nothing. */
async function look({ file, name, size, datasetId, gone }) {
  const form = new FormData();
  form.append("filename", name);
  form.append("size", String(size));
  form.append("head", file.slice(0, LOOK_BYTES), "head");
  form.append("tail", file.slice(Math.max(LOOK_BYTES, size - LOOK_BYTES)), "tail");
  if (datasetId) form.append("dataset_id", datasetId);
  const options = { body: form, signal: gone, timeout: LOOK_TIMEOUT_MS };
  const { body } = await callApi("POST", "/inspect", options).catch(() => ({}));
  return Array.isArray(body?.columns) ? body : null;
}
