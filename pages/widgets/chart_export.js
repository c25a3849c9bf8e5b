// The chart as Vega has drawn it, as a file of its own: with its background, its font, and a line that says what it is.
const SPACE = "http://www.w3.org/2000/svg";
const MARGIN = 16;
const LINE = 18;
const SHARP = 2;

async function dataUrl(address) {
  const answer = await fetch(address);
  if (!answer.ok) throw new Error(`${answer.status}`);
  const blob = await answer.blob();
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result);
    reader.onerror = () => reject(reader.error);
    reader.readAsDataURL(blob);
  });
}

// A picture may ask for nothing outside itself: the page's font goes with it. Without it the viewer's own is used.
async function fontFace() {
  for (const sheet of document.styleSheets) {
    let rules = [];
    try {
      rules = sheet.cssRules;
    } catch {
      continue; // another site's sheet may not be read
    }
    for (const rule of rules) {
      const family = rule instanceof CSSFontFaceRule ? rule.style.getPropertyValue("font-family") : "";
      const source = rule.cssText.match(/url\("?([^")]+)"?\)/)?.[1];
      if (family.replaceAll(/["']/g, "") === "Geist" && source) {
        const url = await dataUrl(new URL(source, document.baseURI)).catch(() => "");
        return url ? `@font-face { font-family: Geist; src: url("${url}"); font-weight: 100 900; }` : "";
      }
    }
  }
  return "";
}

function made(name, attributes, text) {
  const node = document.createElementNS(SPACE, name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  if (text !== undefined) node.textContent = text;
  return node;
}

// The caption in lines that fit, by words.
function lines(text, width) {
  const most = Math.max(20, Math.floor(width / 6.3));
  const found = [""];
  for (const word of text.split(" ")) {
    const last = found.at(-1);
    if (last && last.length + word.length >= most) found.push(word);
    else found[found.length - 1] = last ? `${last} ${word}` : word;
  }
  return found;
}

async function picture(drawn, caption) {
  const box = drawn.viewBox.baseVal;
  const told = lines(caption, box.width);
  const width = Math.ceil(box.width + 2 * MARGIN);
  const height = Math.ceil(box.height + 2 * MARGIN + told.length * LINE);
  const style = getComputedStyle(drawn.closest("[data-testid=stApp]") ?? document.body);
  const whole = made("svg", { xmlns: SPACE, viewBox: `0 0 ${width} ${height}`, width, height });
  whole.append(made("style", {}, await fontFace()));
  whole.append(made("rect", { width, height, fill: style.backgroundColor }));
  const inner = drawn.cloneNode(true);
  for (const [key, value] of Object.entries({ x: MARGIN, y: MARGIN, width: box.width, height: box.height })) {
    inner.setAttribute(key, value);
  }
  inner.removeAttribute("style");
  whole.append(inner);
  told.forEach((line, place) => {
    const y = MARGIN + box.height + (place + 1) * LINE;
    whole.append(made("text", { x: MARGIN, y, "font-family": "Geist, sans-serif", "font-size": 12, fill: "#7f8794" }, line));
  });
  return { text: new XMLSerializer().serializeToString(whole), width, height };
}

async function asPng({ text, width, height }) {
  const image = new Image();
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(text)}`;
  await image.decode();
  const canvas = document.createElement("canvas");
  canvas.width = width * SHARP;
  canvas.height = height * SHARP;
  canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
  return new Promise((resolve, reject) => {
    canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error("no picture"))), "image/png");
  });
}

export default function ({ data, parentElement }) {
  const actions = parentElement.querySelector(".actions");
  const note = element("span", "note failed");
  note.setAttribute("role", "status");
  const button = (kind, make) => {
    const pressed = element("button", "", kind);
    pressed.type = "button";
    pressed.setAttribute("aria-label", `Download the chart as ${kind}`);
    pressed.prepend(icon("download"));
    pressed.onclick = async () => {
      note.textContent = "";
      const drawn = document.querySelector(`.st-key-${data.figure} svg.marks`);
      if (!drawn) {
        note.textContent = "The chart is not drawn yet. Try again in a moment.";
        return;
      }
      pressed.setAttribute("aria-busy", "true");
      try {
        saveAs(await make(await picture(drawn, data.caption)), `${data.stem}.${kind.toLowerCase()}`);
      } catch {
        note.textContent = "The picture could not be made. Try the other format.";
      } finally {
        pressed.removeAttribute("aria-busy");
      }
    };
    return pressed;
  };
  actions.replaceChildren(
    note,
    button("PNG", asPng),
    button("SVG", ({ text }) => new Blob([text], { type: "image/svg+xml" })),
  );
}
