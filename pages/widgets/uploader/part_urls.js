// The signed URLs of an upload's parts: asked for many at a time, and anew before they run out.

const SIGN_AHEAD = 100; // Part URLs asked for at a time.

class PartUrls {
  #urls = new Map();
  #signing = null;
  #freshMs;
  #count;
  #wants;
  #sign;

  /**
   * `life` is how long (ms) a URL is good for from its signing, by the server's clock; `count` is the last part's
   * number, `wants(number)` says whether one is still to be sent, `sign(numbers)` gets [{number, url}] from the app.
   */
  constructor({ life, count, wants, sign }) {
    // The store looks at the expiry when a part begins; half a life leaves room for clocks that differ.
    this.#freshMs = life > 0 ? life / 2 : Infinity;
    this.#count = count;
    this.#wants = wants;
    this.#sign = sign;
  }

  keep(parts) {
    for (const { number, url } of parts) this.#urls.set(number, { url, at: performance.now() });
  }

  async get(number) {
    for (;;) {
      const known = this.#urls.get(number);
      if (known && performance.now() - known.at < this.#freshMs) return known.url;
      this.#urls.delete(number);
      // Parts that come here together share one call.
      this.#signing ??= this.#sign(this.#batch(number))
        .then((parts) => this.keep(parts))
        .finally(() => (this.#signing = null));
      await this.#signing;
    }
  }

  #batch(first) {
    const numbers = [first];
    for (let number = first + 1; number <= this.#count && numbers.length < SIGN_AHEAD; number += 1) {
      if (this.#wants(number)) numbers.push(number);
    }
    return numbers;
  }

  drop(number) {
    this.#urls.delete(number);
  }

  clear() {
    this.#urls.clear();
  }
}
