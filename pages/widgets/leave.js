// Whoever is signed out leaves this tab's session with it: a whole new load, from where they wanted to go on.
export default function ({ data }) {
  const next = location.pathname + location.search;
  location.replace(next === "/" ? data.to : `${data.to}?next=${encodeURIComponent(next)}`);
}
