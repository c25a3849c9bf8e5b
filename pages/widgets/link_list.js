function cell(className, text, title) {
  const made = element("div", className, text);
  made.setAttribute("role", "cell");
  if (title) made.title = title;
  return made;
}

function nameOf(item, line) {
  if (!item.href) return element("div", "called", item.name);
  const name = element("a", "name", item.name);
  name.href = item.href;
  name.onclick = (event) => {
    if (event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    line.classList.add("opening");
    goTo(item.href);
  };
  return name;
}

function told(className, text, label, title) {
  const made = cell(className, text, title);
  made.dataset.label = label;
  return made;
}

function row(item, heads, press) {
  const line = element("div", item.fresh ? "row fresh" : "row");
  line.setAttribute("role", "row");
  line.dataset.id = item.id;
  const text = cell("text");
  const title = element("div", "title");
  title.append(nameOf(item, line));
  if (item.ended) title.append(element("span", "badge", item.ended));
  const about = element("div", "about", [item.about, item.shown].filter(Boolean).join(" · "));
  about.title = about.textContent;
  text.append(title, about);
  const acts = cell("acts");
  if (item.url) acts.append(copyButton(item, "copy"));
  if (item.act) acts.append(actButton(item, press));
  line.append(
    text,
    told("number used", item.used, heads[0].toLowerCase()),
    told(item.urgent ? "number ends urgent" : "number ends", item.ends, heads[1].toLowerCase(), item.ends_title),
    told("number when", item.last, heads[2].toLowerCase(), item.last_title),
    acts,
  );
  return line;
}

function head(summary, heads) {
  const line = element("div", "row head");
  line.setAttribute("role", "row");
  for (const [className, text] of [["text", summary], ...heads.map((name) => ["number", name]), ["acts", "Copy or end"]]) {
    const column = element("div", className, text);
    column.setAttribute("role", "columnheader");
    line.append(column);
  }
  return line;
}

export default function ({ data, parentElement, setTriggerValue }) {
  const list = parentElement.querySelector(".list");
  list.setAttribute("aria-label", data.label);
  const press = (act) => setTriggerValue("act", act);
  keepFocus(list, () =>
    list.replaceChildren(head(data.summary, data.heads), ...data.rows.map((item) => row(item, data.heads, press))),
  );
}
