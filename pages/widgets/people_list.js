function cell(className, text, title) {
  const made = element("div", className, text);
  made.setAttribute("role", "cell");
  if (title) made.title = title;
  return made;
}

function act(item, { name, label, text }, setTriggerValue) {
  const button = element("button", "", text);
  button.type = "button";
  button.setAttribute("aria-label", label);
  button.onclick = () => setTriggerValue(name, item.id);
  return button;
}

function row(item, setTriggerValue) {
  const line = element("div", item.gone ? "row gone" : "row");
  line.setAttribute("role", "row");
  const text = cell("text");
  const title = element("div", "title");
  title.append(element("div", "called", item.name));
  for (const badge of item.badges) title.append(element("span", "badge", badge));
  text.append(title, element("div", "about", item.about));
  const acts = cell("acts");
  for (const one of item.acts) acts.append(act(item, one, setTriggerValue));
  line.append(text, ...item.cells.map(([className, value, hint]) => cell(className, value, hint)), acts);
  return line;
}

function head(columns) {
  const line = element("div", "row head");
  line.setAttribute("role", "row");
  for (const [className, text] of columns) {
    const column = element("div", className, text);
    column.setAttribute("role", "columnheader");
    line.append(column);
  }
  return line;
}

export default function ({ data, parentElement, setTriggerValue }) {
  const list = parentElement.querySelector(".list");
  list.classList.toggle("groups-list", data.groups);
  list.setAttribute("aria-label", data.groups ? "Groups" : "People");
  list.replaceChildren(head(data.head), ...data.items.map((item) => row(item, setTriggerValue)));
}
