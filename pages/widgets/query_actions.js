function copyButton(label, sign, text, note) {
  const button = element("button", "", label);
  button.type = "button";
  button.prepend(icon(sign));
  button.onclick = async () => {
    if (await toClipboard(text())) {
      button.firstChild.replaceWith(icon("check"));
      note.textContent = "";
      note.setAttribute("aria-label", "Copied");
      setTimeout(() => button.firstChild.replaceWith(icon(sign)), 2000);
    } else {
      note.textContent = "The browser does not let this page copy. Select the text and copy it by hand.";
    }
  };
  return button;
}

export default function ({ data, parentElement }) {
  const actions = parentElement.querySelector(".actions");
  const note = element("span", "note failed");
  note.setAttribute("role", "status");
  const parts = [];
  if (data.link) {
    const copy = copyButton("Copy link", "link", () => new URL(data.link, location.origin).href, note);
    copy.setAttribute("aria-label", "Copy link to this query");
    parts.push(copy);
  }
  if (data.csv) parts.push(copyButton("Copy as CSV", "copy", () => data.csv, note));
  actions.replaceChildren(note, ...parts);
}
