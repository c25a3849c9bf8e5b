function card(item, press) {
  const line = element("li", item.fresh ? "fresh" : "");
  line.dataset.id = item.id;
  const text = element("div", "text");
  const title = element("div", "title");
  title.append(
    element("span", "called", item.name),
    element("span", item.ended ? "badge" : "badge green", item.ended || "Active"),
  );
  const about = element("div", "about");
  const facts = [item.used, item.ends, item.about].filter(Boolean);
  facts.forEach((fact, place) => {
    if (place) about.append(" · ");
    const part = element("span", fact === item.ends && item.urgent ? "urgent" : "", fact);
    if (fact === item.ends && item.ends_title) part.title = item.ends_title;
    about.append(part);
  });
  text.append(title, about);
  line.append(text, item.url ? copyButton(item, "chip", item.shown) : element("span"));
  if (item.act) line.append(actButton(item, press));
  return line;
}

export default function ({ data, parentElement, setTriggerValue }) {
  const list = parentElement.querySelector(".cards");
  list.setAttribute("aria-label", data.label);
  const press = (act) => setTriggerValue("act", act);
  keepFocus(list, () => list.replaceChildren(...data.rows.map((item) => card(item, press))));
  // A new link is there to be given away: its copy button is the next thing to press.
  const fresh = data.rows.find((item) => item.fresh)?.id;
  if (fresh && list.shown !== fresh) {
    list.querySelector(".fresh button")?.focus();
    list.shown = fresh;
  }
}
