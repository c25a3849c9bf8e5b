function cell(className, text, title) {
  const made = element("div", className, text);
  made.setAttribute("role", "cell");
  if (title) made.title = title;
  return made;
}

function tags(names) {
  const box = cell("tags");
  for (const name of names) box.append(element("span", "badge", name));
  if (names.length) box.title = names.join(", ");
  return box;
}

function downloadLink(item) {
  const box = cell("action");
  const link = element("a", "download");
  link.href = item.download;
  link.title = "Download";
  link.setAttribute("aria-label", `Download ${item.name}`);
  link.append(icon("download"));
  // The dataset's page says why it did not come, and has a second way.
  downloadOnClick(link, (error) => goTo(`${item.href}&error=${encodeURIComponent(error)}`));
  box.append(link);
  return box;
}

function row(item) {
  const line = element("div", "row");
  line.setAttribute("role", "row");
  const text = cell("text");
  const title = element("div", "title");
  const name = element("a", "name", item.name);
  name.href = item.href;
  name.dataset.id = item.id;
  name.onclick = (event) => {
    if (event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    line.classList.add("opening");
    goTo(item.href);
  };
  title.append(name, element("span", "badge", item.format));
  if (item.team) {
    const team = element("span", "badge", "Team");
    team.title = "Everybody who signs in sees it";
    title.append(team);
  }
  const about = element("div", "about", item.about);
  if (item.matched) about.prepend(element("span", "matched", item.matched), " · ");
  text.append(title, about);
  line.append(
    text,
    tags(item.tags),
    cell("number", item.shape, item.shape_title),
    cell("number", item.size),
    cell("number when", item.updated, item.updated_title),
    downloadLink(item),
  );
  return line;
}

function head(summary) {
  const line = element("div", "row head");
  line.setAttribute("role", "row");
  const columns = [["text", summary], ["tags", "Tags"], ["number", "Rows × columns"], ["number", "Size"], ["number", "Updated"]];
  for (const [className, text] of columns) {
    const column = element("div", className, text);
    column.setAttribute("role", "columnheader");
    line.append(column);
  }
  const last = element("div");
  last.setAttribute("role", "columnheader");
  last.setAttribute("aria-label", "Download");
  line.append(last);
  return line;
}

export default function ({ data, parentElement }) {
  const list = parentElement.querySelector(".list");
  const focused = list.getRootNode().activeElement?.dataset?.id;
  list.replaceChildren(head(data.summary), ...data.items.map(row));
  if (focused) list.querySelector(`[data-id="${CSS.escape(focused)}"]`)?.focus();
}
