// What this browser keeps of uploads under way, so that a reload, a crash or a closed tab only pauses them (IndexedDB).
//
// A record: {key, uploadId, fileId, name, size, type, modified, folder, datasetId, partSize, print, handle, tab, at}.
// `key` is the upload's id at the app, or one of this browser's own until it has one; `tab` is who sends it, as of `at`
// (`tabs.js`). Digests of parts lie apart: there may be ten thousand.

const RECORDS = "datashelf-uploads";

class Records {
  /** False where the browser keeps nothing (some private windows): then closing the tab would lose what has not begun. */
  kept = true;
  #opening = null;

  async all() {
    return (await this.#do("readonly", ({ uploads }) => uploads.getAll())) ?? [];
  }

  put(...records) {
    return this.#do("readwrite", ({ uploads }) => records.forEach((record) => uploads.put(record)));
  }

  remove(...keys) {
    return this.#do("readwrite", ({ uploads, digests }) => {
      for (const key of keys) {
        uploads.delete(key);
        digests.delete(digestsOf(key));
      }
    });
  }

  /** number → digest. */
  async digests(key) {
    const rows = (await this.#do("readonly", ({ digests }) => digests.getAll(digestsOf(key)))) ?? [];
    return new Map(rows.map(({ number, digest }) => [number, digest]));
  }

  putDigest(key, number, digest) {
    return this.#do("readwrite", ({ digests }) => digests.put({ key, number, digest }));
  }

  /** What `act` asks for, or null: a browser that keeps nothing stops no upload. */
  async #do(mode, act) {
    try {
      this.#opening ??= open();
      const database = await this.#opening;
      const transaction = database.transaction(["uploads", "digests"], mode);
      const [uploads, digests] = ["uploads", "digests"].map((name) => transaction.objectStore(name));
      const request = act({ uploads, digests });
      await new Promise((resolve, reject) => {
        transaction.oncomplete = resolve;
        transaction.onerror = transaction.onabort = () => reject(transaction.error);
      });
      return request?.result ?? null;
    } catch {
      this.kept = false;
      return null;
    }
  }
}

function open() {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(RECORDS, 1);
    request.onupgradeneeded = () => {
      request.result.createObjectStore("uploads", { keyPath: "key" });
      request.result.createObjectStore("digests", { keyPath: ["key", "number"] });
    };
    request.onsuccess = () => {
      resolve(request.result);
      dropOrphans(request.result);
    };
    request.onerror = () => reject(request.error);
  });
}

/** A tab may have ended between the end of a record and that of its digests. */
function dropOrphans(database) {
  const transaction = database.transaction(["uploads", "digests"], "readwrite");
  const digests = transaction.objectStore("digests");
  const records = transaction.objectStore("uploads").getAllKeys();
  const kept = digests.getAllKeys();
  kept.onsuccess = () => {
    const orphans = new Set(kept.result.map(([key]) => key));
    for (const key of records.result) orphans.delete(key);
    for (const key of orphans) digests.delete(digestsOf(key));
  };
}

function digestsOf(key) {
  return IDBKeyRange.bound([key, 0], [key, Infinity]);
}
