// Elements and icons. All text goes through textContent: file names are hostile.

const SVG = "http://www.w3.org/2000/svg";

// Drawn on a 24 × 24 grid: strokes, then filled areas.
const SHAPES = {
  arrow_upward: ["M12 19.5V5M5.5 11.5 12 5l6.5 6.5", ""],
  check: ["M5 12.5l4.7 4.7L19.3 7.3", ""],
  close: ["M6 6l12 12M18 6L6 18", ""],
  link: ["M10 7.5H7.2a4.5 4.5 0 0 0 0 9H10M14 7.5h2.8a4.5 4.5 0 0 1 0 9H14M8.5 12h7", ""],
  pause: ["M7 6.5h2.8v11H7zM14.2 6.5H17v11h-2.8z", ""],
  play_arrow: ["M8 5.6v12.8L18 12z", ""],
  copy_all: ["M9 8.6h9.4v10.8H9zM15 8.6V5.2H5.6V16H9", ""],
  priority_high: [
    "",
    "M12 2.6a2.1 2.1 0 0 1 2.1 2.1v8.4a2.1 2.1 0 0 1-4.2 0V4.7A2.1 2.1 0 0 1 12 2.6zm0 14.6a2.2 2.2 0 1 1 0 4.4 2.2 2.2 0 0 1 0-4.4z",
  ],
  refresh: ["M18.6 15.5a7.2 7.2 0 1 1-.6-7.9l1 1.2M19.3 4.3v4.6h-4.6", ""],
  search: ["M15.2 15.2 20 20M10.3 16.6a6.3 6.3 0 1 0 0-12.6 6.3 6.3 0 0 0 0 12.6z", ""],
  schedule: ["M12 7.5V12l3.2 2M20.2 12a8.2 8.2 0 1 1-16.4 0 8.2 8.2 0 0 1 16.4 0z", ""],
  upload_file: [
    "M13.4 3H6.6A1.6 1.6 0 0 0 5 4.6v14.8A1.6 1.6 0 0 0 6.6 21h10.8a1.6 1.6 0 0 0 1.6-1.6V8.6zM12 17.6v-4.8M9.4 15l2.6-2.6 2.6 2.6",
    "M13.4 3.2V8.6h5.4z",
  ],
};

/** An icon by its Material name, 1em by 1em, hidden from screen readers: the text beside it says the same. */
function icon(name) {
  const [strokes, areas] = SHAPES[name];
  const svg = document.createElementNS(SVG, "svg");
  for (const [attribute, value] of [["viewBox", "0 0 24 24"], ["aria-hidden", "true"], ["class", "icon"]]) {
    svg.setAttribute(attribute, value);
  }
  for (const [data, kind] of [[strokes, "stroke"], [areas, "area"]]) {
    if (!data) continue;
    const path = document.createElementNS(SVG, "path");
    path.setAttribute("d", data);
    path.setAttribute("class", kind);
    svg.append(path);
  }
  return svg;
}

/** An element with a class, and children (nodes, or strings as text). */
function make(tag, className, ...children) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  element.append(...children);
  return element;
}

/** A button; `label` is its name where it shows an icon only. */
function makeButton(className, { text, iconName, label }, onClick) {
  const button = make("button", className);
  button.type = "button";
  if (iconName) button.append(icon(iconName));
  if (text) button.append(make("span", "", text));
  if (label) {
    button.setAttribute("aria-label", label);
    button.title = label;
  }
  button.onclick = onClick;
  return button;
}

/** A 4 px progress bar for what `label` names. */
function makeBar(label) {
  const bar = make("div", "bar", make("div", "fill"));
  bar.setAttribute("role", "progressbar");
  bar.setAttribute("aria-label", label);
  bar.setAttribute("aria-valuemin", "0");
  bar.setAttribute("aria-valuemax", "100");
  return bar;
}

/** Move a bar to a fraction of its length. */
function setBar(bar, fraction) {
  const percent = Math.min(Math.max(fraction, 0), 1) * 100;
  bar.firstChild.style.width = `${percent.toFixed(2)}%`;
  bar.setAttribute("aria-valuenow", String(Math.floor(percent)));
}

/** Set an element's text where it differs, so that an unchanged one costs no layout. */
function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}
