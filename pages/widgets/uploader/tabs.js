// Which tabs of this browser live: each holds a lock of its own, which the browser lets go when the tab ends, however.
// Where the browser has no locks (no https), the tab that sends renews the dates of its records.

const TAB = "datashelf-tab-";
const RENEW_MS = 3_000;
const RENEWED_MS = 10_000; // Without locks, who has renewed a record so lately lives.

/** This tab's name; another one after a reload. */
const ownTab = makeId();

/** This tab's name before it was reloaded, where it had no lock, or null. */
let tabBefore = null;

/** Hold this tab's lock from now on. Resolves when it is held; at once where the browser has no locks. */
function takeTab() {
  if (!navigator.locks) {
    tabBefore = handOn();
    return Promise.resolve();
  }
  return new Promise((held) => {
    void navigator.locks.request(TAB + ownTab, () => {
      held();
      return new Promise(() => {});
    });
  });
}

/** Hand this tab's name on to its next page; the name that the page before had, or null. */
function handOn() {
  try {
    const before = sessionStorage.getItem(TAB);
    // A tab opened from this one gets a copy: the name is there only between two pages.
    sessionStorage.removeItem(TAB);
    window.addEventListener("pagehide", () => sessionStorage.setItem(TAB, ownTab));
    return before;
  } catch {
    return null; // Blocked, as IndexedDB is then.
  }
}

/** The names of all living tabs, this one among them; without locks, of those that `records` tell of. */
async function livingTabs(records) {
  if (!navigator.locks) {
    const since = Date.now() - RENEWED_MS;
    const others = records.filter(({ tab, at }) => at > since && tab !== tabBefore);
    return new Set([ownTab, ...others.map(({ tab }) => tab)]);
  }
  const { held } = await navigator.locks.query();
  return new Set([ownTab, ...held.map(({ name }) => name.slice(TAB.length))]);
}

let claimed = Promise.resolve();

/** Let `act` run once at a time, in one tab of this browser; without locks, in this one. */
function oneAtATime(act) {
  if (navigator.locks) return navigator.locks.request("datashelf-claims", act);
  const mine = claimed.then(act);
  claimed = mine.catch(() => null);
  return mine;
}

function makeId() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
