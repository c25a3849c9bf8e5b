// Uploads begun at another time or place: found after a reload, a crash or on another device, and gone on with once their
// file is at hand again.

const LOOK_AGAIN_MS = 2_000; // While another tab sends.
const DETAILS_AT_ONCE = 3; // Calls to the app for what the store has.
const KEPT_DAYS = 30; // Records of uploads that the app no longer lists.
const DAY_MS = 86_400_000;

class Unfinished {
  #queue;
  #looking = null;
  #again = null;

  constructor(queue) {
    this.#queue = queue;
  }

  /** Look now, and whenever the user comes back to this tab. */
  async open() {
    await takeTab();
    document.addEventListener("visibilitychange", () => document.hidden || void this.look());
    await this.look();
  }

  /** Bring the queue in line with what the app and this browser know. */
  look() {
    this.#looking ??= this.#look()
      .catch(() => null)
      .finally(() => {
        this.#looking = null;
        this.#lookAgain();
      });
    return this.#looking;
  }

  /** Let one of the waiting uploads go on with a file that was dropped or chosen; whether one did. */
  async takes(waiting, { file, handle }) {
    for (const upload of waiting) {
      const verdict = await recognise(upload, file, this.#queue.hasher).catch(() => null);
      if (verdict && !verdict.differs) return this.#goOn(upload, file, verdict, (await handle) ?? null);
    }
    return false;
  }

  /** Hold a file against the upload that waits for it, and go on or say what differs. */
  async offer(upload, file, handle = null) {
    const verdict = await recognise(upload, file, this.#queue.hasher).catch(() => null);
    if (!verdict) return this.#refuse(upload, "This file cannot be read: it was moved, deleted or locked.");
    if (verdict.differs) {
      return this.#refuse(upload, `“${file.name}” is not the file this began with: ${verdict.differs}. Choose that one.`);
    }
    return this.#goOn(upload, file, verdict, handle);
  }

  /** Open the file by the browser's own hold on it; the browser may ask the user for leave. */
  async reopen(upload) {
    const { handle } = upload;
    try {
      if ((await handle.requestPermission({ mode: "read" })) !== "granted") {
        return this.#refuse(upload, "The browser was not allowed to read the file. Resume asks once more.");
      }
      return await this.offer(upload, await handle.getFile(), handle);
    } catch {
      upload.handle = null;
      return this.#refuse(upload, "The file is no longer where it was. Choose it where it is now.");
    }
  }

  async #look() {
    const never = new AbortController().signal;
    const { body } = await insist(() => callApi("GET", "/uploads"), never);
    const records = await this.#queue.records.all();
    const living = await livingTabs(records);
    const byKey = new Map(records.map((record) => [record.key, record]));
    const items = new Map(body.items.map((item) => [item.upload_id, item]));
    const lives = (record) => record && record.tab !== ownTab && living.has(record.tab);
    this.#follow(items, byKey, lives);
    for (const item of body.items) {
      const record = byKey.get(item.upload_id);
      if (!this.#isShown(item) && record?.tab !== ownTab) this.#show({ item, record, elsewhere: lives(record) });
    }
    for (const record of records) {
      const shown = this.#queue.uploads.some(({ key }) => key === record.key);
      if (!record.uploadId && !shown && record.tab !== ownTab) this.#show({ record, elsewhere: lives(record) });
      const old = record.at < Date.now() - KEPT_DAYS * DAY_MS;
      if (old && !shown && !items.has(record.key)) void this.#queue.records.remove(record.key);
    }
    await this.#learn();
  }

  /** What is listed already may have changed hands, or come to its end. */
  #follow(items, byKey, lives) {
    for (const upload of this.#queue.uploads) {
      if (upload.state !== "interrupted" && upload.state !== "elsewhere") continue;
      const record = byKey.get(upload.key);
      if (upload.uploadId ? items.has(upload.uploadId) : record) {
        upload.ours ||= Boolean(record);
        upload.handle ??= record?.handle ?? null;
        upload.become(lives(record) ? "elsewhere" : "interrupted");
      } else void this.#end(upload);
    }
  }

  async #end(upload) {
    if (upload.uploadId) await upload.lookForEnd();
    if (upload.state === "done") return this.#queue.completes(upload);
    this.#queue.drop(upload);
    void this.#queue.records.remove(upload.key);
  }

  #isShown({ upload_id: uploadId, filename, size }) {
    // One whose answer is on its way has no id here yet.
    const begins = (upload) => upload.active && !upload.uploadId && upload.name === filename && upload.size === size;
    return this.#queue.uploads.some((upload) => upload.uploadId === uploadId || begins(upload));
  }

  #show({ item = null, record = null, elsewhere }) {
    const state = elsewhere ? "elsewhere" : "interrupted";
    this.#queue.uploads.push(Upload.interrupted(this.#queue, { item, record, state }));
    this.#queue.changed();
  }

  async #learn() {
    const asked = this.#queue.uploads.filter(
      ({ state, uploadId }) => uploadId && (state === "interrupted" || state === "elsewhere"),
    );
    const ask = async () => {
      for (let upload; (upload = asked.shift()); ) {
        const { body } = await callApi("GET", `/uploads/${upload.uploadId}`).catch(() => ({}));
        if (body && (upload.state === "interrupted" || upload.state === "elsewhere")) upload.learn(body.received);
      }
    };
    await Promise.all(Array.from({ length: DETAILS_AT_ONCE }, ask));
  }

  #lookAgain() {
    clearTimeout(this.#again);
    const elsewhere = this.#queue.uploads.some(({ state }) => state === "elsewhere");
    if (elsewhere) this.#again = setTimeout(() => (document.hidden ? this.#lookAgain() : this.look()), LOOK_AGAIN_MS);
  }

  /** Of two tabs that go on with the same upload at once, one does. */
  async #goOn(upload, file, verdict, handle) {
    const mine = await oneAtATime(async () => {
      // Pressed twice, or shown twice.
      if (upload.pending || upload.state === "done") return true;
      const record = (await this.#queue.records.all()).find(({ key }) => key === upload.key);
      if (record && record.tab !== ownTab && (await livingTabs([record])).has(record.tab)) return false;
      await upload.attach(file, verdict, handle);
      this.#queue.wait(upload);
      return true;
    });
    if (!mine) {
      upload.become("elsewhere");
      this.#lookAgain();
    }
    return true;
  }

  #refuse(upload, why) {
    upload.refuse(why);
    this.#queue.announce(why);
    return false;
  }
}
