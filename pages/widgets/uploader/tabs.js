// Which tabs of this browser live: each holds a lock of its own, which the browser lets go when the tab ends, however.

const TAB = "datashelf-tab-";

/** This tab's name; another one after a reload. */
const ownTab = makeId();

/** Hold this tab's lock from now on. Resolves when it is held; at once where the browser has no locks (no https). */
function takeTab() {
  if (!navigator.locks) return Promise.resolve();
  return new Promise((held) => {
    void navigator.locks.request(TAB + ownTab, () => {
      held();
      return new Promise(() => {});
    });
  });
}

/** The names of all living tabs, this one among them. */
async function livingTabs() {
  if (!navigator.locks) return new Set([ownTab]);
  const { held } = await navigator.locks.query();
  return new Set([ownTab, ...held.map(({ name }) => name.slice(TAB.length))]);
}

/** Let `act` run in one tab of this browser at a time. */
function oneAtATime(act) {
  return navigator.locks ? navigator.locks.request("datashelf-claims", act) : act();
}

function makeId() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
