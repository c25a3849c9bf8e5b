const LONG = 12;

// A link opened in this session by a plain click, and in a tab of its own by the usual keys.
function inSession(link) {
  link.onclick = (event) => {
    if (event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    goTo(link.getAttribute("href"));
  };
  return link;
}

function part(href, className, told) {
  const made = element(href ? "a" : "div", className);
  made.title = told;
  if (href) {
    made.href = href;
    inSession(made);
  }
  return made;
}

function figure(bars, lengths) {
  const box = element("div", lengths ? "figure lengths" : "figure");
  const most = Math.max(...bars.map((bar) => bar.count), 1);
  for (const bar of bars) {
    const made = part(bar.count ? bar.href : "", "bar", bar.told);
    if (bar.count && bar.href) made.setAttribute("aria-label", bar.told);
    const column = element("i");
    column.style.height = bar.count ? `max(1px, ${(100 * bar.count) / most}%)` : "0";
    made.append(column);
    box.append(made);
  }
  return box;
}

function topList(values) {
  const list = element("ul", "top");
  const most = Math.max(...values.map((value) => value.count), 1);
  for (const value of values) {
    const line = part(value.href, value.href ? "" : "plain", value.told);
    const run = element("span", "run");
    const bar = element("i");
    // Room is kept for the count behind the longest bar.
    bar.style.width = `calc((100% - 4rem) * ${value.count / most})`;
    run.append(bar, element("span", "count", value.count.toLocaleString("en-US")));
    line.append(element("span", "label", value.label), run);
    const item = element("li");
    item.append(line);
    list.append(item);
  }
  return list;
}

function heading(data) {
  const head = element("div", "head");
  head.append(element("h2", "", data.name), element("span", "badge", data.type));
  const facts = element("p", "facts");
  data.facts.forEach((fact, place) => {
    if (place) facts.append(" · ");
    if (fact.href) {
      const link = element("a", "", fact.text);
      link.href = fact.href;
      facts.append(inSession(link));
    } else {
      facts.append(fact.text);
    }
  });
  return [head, facts];
}

function hintList(hints) {
  const list = element("ul", "hints");
  for (const hint of hints) {
    const item = element("li", hint.warns ? "warns" : "");
    item.append(icon("hint"), element("span", "", hint.text));
    list.append(item);
  }
  return list;
}

function numberList(numbers) {
  // Points in time need the whole width to be read to their end.
  const long = numbers.some(([, value]) => value.length > LONG);
  const list = element("dl", long ? "long" : "");
  for (const [name, value] of numbers) {
    const pair = element("div");
    const shown = element("dd", "", value);
    shown.title = value;
    pair.append(element("dt", "", name), shown);
    list.append(pair);
  }
  return list;
}

export default function ({ data, parentElement }) {
  const card = parentElement.querySelector(".card");
  const lengths = data.bars_title === "Lengths";
  const parts = heading(data);
  if (data.hints.length) parts.push(hintList(data.hints));
  if (data.bars.length && !lengths) parts.push(...withEnds(data, lengths));
  if (data.top.length) parts.push(topList(data.top));
  if (data.cover) parts.push(element("p", "cover", data.cover));
  if (data.bars.length && lengths) parts.push(element("h3", "", "Lengths"), ...withEnds(data, lengths));
  if (data.numbers.length) parts.push(numberList(data.numbers));
  card.replaceChildren(...parts);
}

function withEnds(data, lengths) {
  const ends = element("div", "ends");
  ends.append(...data.ends.map((end) => element("span", "", end)));
  return [figure(data.bars, lengths), ends];
}
