// How many parts are on their way at once, over all files. Starts with one lane, adds one where that makes the whole
// faster and takes it back where it does not: on one machine or a fast network a second lane only costs processor
// time, on a long or lossy line each lane brings its own share.

const MOST_LANES = 4; // Browsers open six connections to a host over HTTP/1.1; the answers awaited need some.
const ANSWERS_AWAITED = 1; // A part wholly sent whose answer is missing holds no lane: the next one goes meanwhile.
const WINDOW_MS = 3_000; // One measurement: each part's start fills a buffer at once, which a short one would overrate.
const SETTLE_MS = 600; // Left out after a change: buffers fill, connections warm up.
const GAIN = 1.1; // A lane more must bring a tenth.
const LOSS = 1; // A lane less may cost nothing.
const FAST = 50e6; // Bytes/s: here one lane is not held up by the line, and trying another costs more than it brings,
const FAST_PATIENCE_MS = 15_000; // so the first try comes late.
const PATIENCE_MS = [20_000, 120_000]; // Between tries: doubled after each in vain, up to the second.

class Lanes {
  limit = 1;
  #sending = 0;
  #open = 0;
  #waiting = [];
  #window = null;
  #measureFrom = 0;
  #trial = null;
  #nextTrial = null;
  #patience = PATIENCE_MS[0];
  #direction = 1;

  /** Wait for a lane: {sent(), close()}. The upload with the fewest bytes left goes first. */
  take(upload, signal) {
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(new Cancelled());
      const ticket = { upload, resolve };
      ticket.give = () => {
        signal.removeEventListener("abort", ticket.leave);
        resolve(this.#lane());
      };
      ticket.leave = () => {
        this.#waiting = this.#waiting.filter((other) => other !== ticket);
        reject(new Cancelled());
      };
      signal.addEventListener("abort", ticket.leave, { once: true });
      this.#waiting.push(ticket);
      this.#give();
    });
  }

  #lane() {
    this.#sending += 1;
    this.#open += 1;
    let sending = true;
    let open = true;
    const sent = () => {
      if (sending) this.#sending -= 1;
      sending = false;
      this.#give();
    };
    const close = () => {
      if (open) this.#open -= 1;
      open = false;
      sent();
    };
    return { sent, close };
  }

  #give() {
    while (this.#waiting.length && this.#sending < this.limit && this.#open < this.limit + ANSWERS_AWAITED) {
      const next = this.#waiting.reduce((best, one) => (one.upload.left() < best.upload.left() ? one : best));
      this.#waiting.splice(this.#waiting.indexOf(next), 1);
      next.give();
    }
  }

  /** Called a few times a second with the clock (ms) and the bytes sent in all since the tab was opened. */
  sample(now, bytes) {
    const full = this.#sending === this.limit || this.#open >= this.limit + ANSWERS_AWAITED;
    // Where no part waits for a lane, the files and not the line set the speed.
    if (!full || this.#sending > this.limit || !this.#waiting.length) {
      this.#window = null;
      return;
    }
    if (now < this.#measureFrom) return;
    this.#window ??= { now, bytes };
    const elapsed = now - this.#window.now;
    if (elapsed < WINDOW_MS) return;
    const rate = ((bytes - this.#window.bytes) / elapsed) * 1000;
    this.#window = { now, bytes };
    if (this.#trial) this.#judge(rate, now);
    else this.#consider(rate, now);
  }

  #consider(rate, now) {
    this.#nextTrial ??= now + (rate >= FAST ? FAST_PATIENCE_MS : 0);
    if (now >= this.#nextTrial) this.#try(rate, now);
  }

  #try(rate, now) {
    if (this.limit >= MOST_LANES) this.#direction = -1;
    if (this.limit === 1) this.#direction = 1;
    this.#trial = { rate, step: this.#direction };
    this.#change(this.#direction, now);
  }

  #judge(rate, now) {
    const { rate: before, step } = this.#trial;
    this.#trial = null;
    if (rate > before * (step > 0 ? GAIN : LOSS)) {
      this.#patience = PATIENCE_MS[0];
      // On in the same direction at once, up to its end.
      if (step > 0 ? this.limit < MOST_LANES : this.limit > 1) this.#try(rate, now);
      else this.#nextTrial = now + this.#patience;
      return;
    }
    this.#change(-step, now);
    this.#direction = -step;
    this.#nextTrial = now + this.#patience;
    this.#patience = Math.min(this.#patience * 2, PATIENCE_MS[1]);
  }

  #change(step, now) {
    this.limit += step;
    this.#window = null;
    this.#measureFrom = now + SETTLE_MS;
    this.#give();
  }
}
