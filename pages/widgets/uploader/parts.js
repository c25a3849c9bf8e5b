// What is known of an upload's parts: which ones the store has, how far others are, and their checksums.

class Parts {
  /** number → ETag, of the parts that the store has. */
  etags = new Map();
  /** number → bytes that have left this machine, of the parts under way. */
  loaded = new Map();
  /** number → SHA-256 in hex, of the bytes in the file as it is here. */
  digests = new Map();
  /** The same of parts sent at an earlier time, where the file may have been changed since; null where nobody knows. */
  earlier = new Map();
  /** number → ETag, as the store's own answer to a part that this page sent. */
  #answered = new Map();

  constructor(size, partSize) {
    this.size = size;
    this.partSize = partSize;
    this.count = Math.max(1, Math.ceil(size / partSize));
  }

  lengthOf(number) {
    return Math.min(this.partSize, this.size - (number - 1) * this.partSize);
  }

  /** A part's bytes; without a type, for a Content-Type header is not part of what was signed. */
  of(file, number) {
    const from = (number - 1) * this.partSize;
    return file.slice(from, from + this.lengthOf(number), "");
  }

  /** The store has taken a part that this page sent; `listed` where it hid its ETag and the list had to tell. */
  answered(number, etag, listed) {
    this.etags.set(number, etag);
    if (listed) this.#answered.delete(number);
    else this.#answered.set(number, etag);
  }

  /** Take the store's own list ([{number, size, etag}]) for what it has; a part cut short or in doubt is not there. */
  received(list) {
    const whole = list.filter(({ number, size }) => number <= this.count && size === this.lengthOf(number));
    const there = whole.filter(({ number }) => !this.#inDoubt(number));
    // A store may list an older sending of a part than the one it has answered.
    this.etags = new Map(there.map(({ number, etag }) => [number, this.#answered.get(number) ?? etag]));
  }

  /** What was sent may not be what the file holds now: parts without a digest of that time are sent again. */
  doubt(earlier = new Map()) {
    this.earlier = new Map();
    for (let number = 1; number <= this.count; number += 1) this.earlier.set(number, earlier.get(number) ?? null);
    this.etags = new Map([...this.etags].filter(([number]) => !this.#inDoubt(number)));
  }

  #inDoubt(number) {
    return this.earlier.get(number) === null;
  }

  /** Bytes that the store has. */
  stored() {
    const last = this.etags.has(this.count) ? this.partSize - this.lengthOf(this.count) : 0;
    return this.etags.size * this.partSize - last;
  }

  /** Bytes that have left this machine. */
  sent() {
    let sum = this.stored();
    for (const bytes of this.loaded.values()) sum += bytes;
    return Math.min(sum, this.size);
  }

  /** Whether the next byte of a part is still to be sent, by nobody yet. */
  wanted(number) {
    return !this.etags.has(number) && !this.loaded.has(number);
  }

  get whole() {
    return this.etags.size === this.count;
  }

  /** The parts sent at an earlier time whose bytes in the file are others now. */
  outdated() {
    return [...this.earlier].filter(([number, digest]) => this.digests.get(number) !== digest).map(([number]) => number);
  }

  /** As `complete` wants them, in order. */
  toPlain() {
    return [...this.etags]
      .sort(([a], [b]) => a - b)
      .map(([number, etag]) => {
        const sha256 = this.digests.get(number);
        return sha256 ? { number, etag, sha256 } : { number, etag };
      });
  }
}
