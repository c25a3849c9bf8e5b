function line({ name, href, format, shares }) {
  const link = element("a", "", name);
  link.href = href;
  link.onclick = (event) => {
    if (event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    goTo(href);
  };
  const item = element("li", "");
  item.append(link, element("span", "", `${format} · ${shares}`));
  return item;
}

export default function ({ data, parentElement }) {
  parentElement.querySelector("ul").replaceChildren(...data.items.map(line));
}
