// The uploader of somebody without an account, who sends files by a link. It is the same queue over fewer parts: in
// place of look, records, same_content, beginning and unfinished stands what follows. Nothing of the shelf is asked
// for, and nothing outlives the tab: the browser's next user may be another person.

const KEPT = "datashelf-visit";

/** The shelf's owner looks into the files, not who sends them. */
class Looks {
  ask() {}
}

/** Kept as long as the tab: a reload only pauses what is under way, and whoever opens the next tab finds nothing. */
class Records {
  /** So that the browser asks before the tab is closed. */
  kept = false;

  async all() {
    return this.#read();
  }

  async put(...records) {
    const others = this.#read().filter(({ key }) => !records.some((one) => one.key === key));
    // The browser's own hold on a file cannot be kept here: the file is chosen again.
    this.#keep([...others, ...records.map((one) => ({ ...one, handle: null }))]);
  }

  /** What was refused before it began leaves nothing to go on with after a reload. */
  async failed({ key, uploadId, failure }) {
    if (!uploadId && !failure.again) await this.remove(key);
  }

  async remove(...keys) {
    this.#keep(this.#read().filter(({ key }) => !keys.includes(key)));
  }

  /** Computed anew from the file. */
  async digests() {
    return new Map();
  }

  async putDigest() {}

  // Read and written in one go: two changes of one turn would else undo each other.
  #read() {
    try {
      return JSON.parse(sessionStorage.getItem(KEPT + api) ?? "[]");
    } catch {
      return []; // Blocked: then a reload ends what is under way.
    }
  }

  #keep(records) {
    try {
      sessionStorage.setItem(KEPT + api, JSON.stringify(records));
    } catch {
      // As above.
    }
  }
}

/** What this tab has begun before it was reloaded. */
class Unfinished {
  #queue;

  constructor(queue) {
    this.#queue = queue;
  }

  async open() {
    for (const record of await this.#queue.records.all()) await this.#show(record);
  }

  async look() {}

  async takes(waiting, { file }) {
    for (const upload of waiting) if (await this.#goOn(upload, file)) return true;
    return false;
  }

  async offer(upload, file) {
    if (await this.#goOn(upload, file)) return;
    upload.refuse(`“${file.name}” is not the file this began with, or cannot be read. Choose that one.`);
    this.#queue.announce(upload.refusal);
  }

  async #show(record) {
    const ask = () => callApi("GET", `/uploads/${record.uploadId}`);
    const { body } = record.uploadId ? await insist(ask, new AbortController().signal).catch(() => ({})) : {};
    // Complete, given up, or the link has ended.
    if (record.uploadId && !body) return this.#queue.records.remove(record.key);
    const upload = Upload.interrupted(this.#queue, { record, item: body ?? null, state: "interrupted" });
    if (body) upload.learn(body.received);
    this.#queue.uploads.push(upload);
    this.#queue.changed();
  }

  async #goOn(upload, file) {
    const verdict = await recognise(upload, file, this.#queue.hasher).catch(() => null);
    if (!verdict || verdict.differs) return false;
    await upload.attach(file, verdict);
    this.#queue.wait(upload);
    return true;
  }
}

async function findSameContent() {
  return null;
}

/** The body of POST /s/{token}/uploads. By its key an attempt whose answer was lost is found again. */
function announcementOf({ name, size, type, modified, print, key }) {
  const { head, tail } = print ?? {};
  return {
    filename: name,
    size,
    key,
    ...(type && { content_type: type }),
    ...(modified && { modified_at: new Date(modified).toISOString() }),
    ...(head && tail && { head_sha256: head, tail_sha256: tail }),
  };
}

/** Announced again under the same key, it is the same upload. */
async function findLost() {
  return null;
}

/** The tab's queue for a link, apart from that of whoever is signed in here. */
function queueOf(token) {
  api = `/s/${encodeURIComponent(token)}`;
  const queues = (window.__datashelfVisits ??= new Map());
  if (!queues.has(token)) {
    queues.set(token, new UploadQueue());
    queues.get(token).open();
    window.addEventListener("dragover", keepPage);
    window.addEventListener("drop", keepPage);
  }
  return queues.get(token);
}

export default function (args) {
  const { data, parentElement } = args;
  // A change of theme or data calls this again on the same elements, without a clean-up in between.
  parentElement.datashelfPicker?.stop();
  const picker = new Picker(queueOf(data.token), parentElement, args);
  parentElement.datashelfPicker = picker;
  return () => picker.stop();
}
