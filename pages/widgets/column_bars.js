function line(column) {
  const item = element("li");
  const text = element("div", "text");
  const called = element("div", "called");
  const name = element("span", "name", column.name);
  name.title = column.name;
  called.append(name, element("span", "type", column.type));
  const about = element("div", "about", column.about);
  about.title = column.about;
  text.append(called, about);
  item.append(text);
  if (column.bars.length) item.append(smallBars(column));
  return item;
}

export default function ({ data, parentElement }) {
  const list = parentElement.querySelector(".columns");
  list.replaceChildren(...data.columns.map(line));
  // What scrolls can be scrolled by keyboard, too.
  list.tabIndex = list.scrollHeight > list.clientHeight + 1 ? 0 : -1;
}
