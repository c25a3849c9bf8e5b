// Numbers as people read them: decimal sizes, whole percents, speed and time left.

const UNITS = ["B", "kB", "MB", "GB", "TB"];

/** The unit in which a size has one to three digits before the point. */
function unitOf(bytes) {
  let unit = 0;
  // 999,500 bytes would round to "1000 kB" and are 1.0 MB.
  while (unit < UNITS.length - 1 && bytes / 1000 ** unit >= 999.5) unit += 1;
  return unit;
}

/** A size in a given unit, without its name: one decimal under 100. */
function sizeIn(bytes, unit) {
  const value = bytes / 1000 ** unit;
  return unit === 0 || value >= 99.95 ? value.toFixed(0) : value.toFixed(1);
}

/** "13.5 kB", "210 kB", "1.8 GB". */
function formatSize(bytes) {
  const unit = unitOf(bytes);
  return `${sizeIn(bytes, unit)} ${UNITS[unit]}`;
}

/** "2.9 of 6.6 GB": both in the unit of the whole. */
function formatProgress(bytes, total) {
  if (bytes >= total) return formatSize(total);
  const unit = unitOf(total);
  return `${sizeIn(bytes, unit)} of ${sizeIn(total, unit)} ${UNITS[unit]}`;
}

/** "43 %", rounded down: nothing is at 100 % before it is complete. */
function formatPercent(fraction) {
  return `${Math.floor(Math.min(Math.max(fraction, 0), 1) * 100)} %`;
}

/** "6.1 MB/s". */
function formatSpeed(bytesPerSecond) {
  return `${formatSize(bytesPerSecond)}/s`;
}

/** "4 s left", "12 min left", "2 h 5 min left", "3 days left". */
function formatTimeLeft(seconds) {
  if (seconds < 60) return `${Math.max(1, Math.ceil(seconds))} s left`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 90) return `${minutes} min left`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return `${hours} h ${minutes % 60} min left`;
  return `${Math.round(hours / 24)} days left`;
}

/** How long a link is good for: "1 hour", "15 minutes". */
function formatDuration(seconds) {
  const [count, noun] =
    seconds >= 7200 || seconds === 3600
      ? [Math.round(seconds / 3600), "hour"]
      : seconds >= 120
        ? [Math.round(seconds / 60), "minute"]
        : [seconds, "second"];
  return plural(count, noun);
}

/** "3,376 rows" where they are counted; "about 1.2 M rows" where they are estimated: no digit more than is known. */
function formatRows(rows, exact) {
  if (exact) return plural(rows, "row");
  const rounded = Number(rows.toPrecision(2));
  if (rounded < 1_000_000) return `about ${plural(rounded, "row")}`;
  const [step, letter] = rounded < 1e9 ? [1e6, "M"] : [1e9, "G"];
  return `about ${(rounded / step).toFixed(1).replace(/\.0$/, "")} ${letter} rows`;
}

/** "1 file", "3,376 rows". */
function plural(count, noun) {
  return `${count.toLocaleString("en-US")} ${noun}${count === 1 ? "" : "s"}`;
}
