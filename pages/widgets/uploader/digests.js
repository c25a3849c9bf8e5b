// SHA-256 of pieces of files, one after the other in a worker: at any time one piece is in memory.

const HASHER = `
onmessage = async ({ data: { id, blob } }) => {
  try {
    const digest = await crypto.subtle.digest("SHA-256", await blob.arrayBuffer());
    postMessage({ id, digest: Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("") });
  } catch (error) {
    postMessage({ id, fault: String(error) });
  }
};`;

/** Browsers compute checksums only for pages that came by https, or from this machine. */
const canHash = Boolean(window.isSecureContext && window.crypto?.subtle);

class Hasher {
  #worker = null;
  #last = 0;
  #jobs = new Map();
  #before = Promise.resolve();

  /** The digest of a Blob in hex; null where this page cannot compute one, or cannot read the bytes. */
  digest(blob) {
    if (!canHash) return Promise.resolve(null);
    const mine = this.#before.then(() => this.#ask(blob));
    this.#before = mine;
    return mine;
  }

  #ask(blob) {
    this.#worker ??= this.#start();
    return new Promise((resolve) => {
      const id = (this.#last += 1);
      this.#jobs.set(id, resolve);
      this.#worker.postMessage({ id, blob });
    });
  }

  #start() {
    const address = URL.createObjectURL(new Blob([HASHER], { type: "text/javascript" }));
    const worker = new Worker(address);
    URL.revokeObjectURL(address);
    worker.onmessage = ({ data: { id, digest } }) => {
      this.#jobs.get(id)?.(digest ?? null);
      this.#jobs.delete(id);
    };
    // It ran out of memory, or may not run at all: the next piece gets another, and these go without.
    worker.onerror = () => {
      for (const resolve of this.#jobs.values()) resolve(null);
      this.#jobs.clear();
      worker.terminate();
      this.#worker = null;
    };
    return worker;
  }
}
