// The signed URLs of an upload's parts: asked for ahead, and anew before they run out.

const SIGN_AHEAD = 100; // Part URLs asked for at a time,
const SIGN_AHEAD_SHORT = 2; // or so many where they live shorter than
const SHORT_LIFE_MS = 60_000; // this.

class PartUrls {
  #urls = new Map();
  #signing = null;
  #life = Infinity;
  #count;
  #wants;
  #sign;

  /**
   * `count` is the last part's number, `wants(number)` says whether one is still to be sent, `sign(numbers, signal)` gets
   * {parts: [{number, url}], at} from the app (`at`: the server's clock in ms).
   */
  constructor({ count, wants, sign }) {
    this.#count = count;
    this.#wants = wants;
    this.#sign = sign;
  }

  keep(parts, at) {
    const now = performance.now();
    for (const { number, url } of parts) {
      this.#life = lifeOf(url, at);
      this.#urls.set(number, { url, at: now });
    }
  }

  async get(number, signal) {
    for (;;) {
      const known = this.#urls.get(number);
      // The store looks at the expiry when a part begins; half a life leaves room for clocks that differ.
      if (known && performance.now() - known.at < this.#life / 2) return known.url;
      this.#urls.delete(number);
      // Parts that come here together share one call.
      this.#signing ??= this.#sign(this.#batch(number), signal)
        .then(({ parts, at }) => this.keep(parts, at))
        .finally(() => (this.#signing = null));
      await this.#signing;
      // Signed for now: a life too short to be halved in time is used as it is.
      const signed = this.#urls.get(number);
      if (signed) return signed.url;
    }
  }

  #batch(first) {
    const most = this.#life < SHORT_LIFE_MS ? SIGN_AHEAD_SHORT : SIGN_AHEAD;
    const numbers = [first];
    for (let number = first + 1; number <= this.#count && numbers.length < most; number += 1) {
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

/** How long (ms) a URL signed at `at` (ms) is good for. By the server's clock alone: this machine's may be wrong. */
function lifeOf(url, at) {
  const query = new URL(url, location.href).searchParams;
  const seconds = Number(query.get("X-Amz-Expires"));
  if (seconds > 0) return seconds * 1000;
  const until = Number(query.get("expires")) * 1000;
  return until > at ? until - at : Infinity;
}
