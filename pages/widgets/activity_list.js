function cell(className, ...content) {
  const made = element("div", className);
  made.setAttribute("role", "cell");
  made.append(...content);
  return made;
}

function dataset(item) {
  if (!item.href) return element("span", "what", item.what);
  const link = element("a", "what", item.what);
  link.href = item.href;
  link.onclick = (event) => {
    if (event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    goTo(item.href);
  };
  return link;
}

function row(item) {
  const line = element("div", "row");
  line.setAttribute("role", "row");
  const sentence = element("div", "said");
  sentence.append(element("span", "who", item.who), ` ${item.did}`);
  if (item.what) sentence.append(" ", dataset(item));
  const text = cell("text", sentence);
  if (item.more) text.append(element("div", "about", item.more));
  const from = cell("from");
  if (item.address) from.append(element("div", "address", item.address));
  if (item.agent) {
    const agent = element("div", "about", item.agent);
    agent.title = item.agent_title;
    from.append(agent);
  }
  const when = cell("number when", item.when);
  when.title = item.when_title;
  line.append(text, from, when);
  return line;
}

function head(data) {
  const line = element("div", "row head");
  line.setAttribute("role", "row");
  const summary = element("div", "text", data.summary);
  for (const { label, href } of data.exports) {
    const link = element("a", "export", label);
    link.href = href;
    link.setAttribute("download", "");
    summary.append(" · ", link);
  }
  const columns = [summary, element("div", "", "From"), element("div", "number", "When")];
  for (const column of columns) column.setAttribute("role", "columnheader");
  line.append(...columns);
  return line;
}

export default function ({ data, parentElement }) {
  parentElement.querySelector(".list").replaceChildren(head(data), ...data.items.map(row));
}
