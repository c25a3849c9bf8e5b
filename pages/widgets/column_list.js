// A table of columns, one of them chosen by a radio button: a click anywhere in a row, or the arrow keys.
const HEADS = [
  ["pick", "Chosen"],
  ["name", "Column"],
  ["type", "Type"],
  ["bars", "Distribution"],
  ["empty", "Empty"],
  ["distinct", "Distinct"],
  ["summary", "Range or most frequent"],
];

function nameCell(column) {
  const cell = element("td", "name");
  const line = element("span", "line");
  const name = element("span", "text", column.name);
  name.title = column.name;
  line.append(name);
  cell.append(line);
  if (column.hints.length) {
    const warns = column.hints.some((hint) => hint.warns);
    const mark = element("span", warns ? "mark warns" : "mark");
    const texts = column.hints.map((hint) => hint.text);
    mark.title = texts.join("\n");
    mark.setAttribute("role", "img");
    mark.setAttribute("aria-label", texts.join(" "));
    mark.append(icon("hint"));
    line.append(mark);
  }
  const empty = ["none", "all"].includes(column.empty) ? "" : ` · ${column.empty} empty`;
  cell.append(element("span", "below", `${column.type}${empty}${column.summary ? ` · ${column.summary}` : ""}`));
  return cell;
}

function rowOf(column, choose) {
  const row = element("tr");
  const pick = element("td", "pick");
  const radio = element("input");
  radio.type = "radio";
  radio.name = "column";
  radio.value = column.name;
  radio.setAttribute("aria-label", column.name);
  radio.onchange = () => choose(column.name);
  pick.append(radio);
  row.onclick = (event) => {
    if (event.target === radio || radio.checked) return;
    radio.checked = true;
    radio.focus({ preventScroll: true });
    choose(column.name);
  };
  const type = element("td", "type");
  type.append(element("span", `chip ${column.tone}`, column.type));
  const bars = element("td", "bars");
  if (column.bars.length) bars.append(smallBars(column));
  const summary = element("td", "summary", column.summary);
  summary.title = column.summary;
  row.append(
    pick,
    nameCell(column),
    type,
    bars,
    element("td", column.empty === "none" ? "empty quiet" : "empty", column.empty),
    element("td", "distinct", column.distinct),
    summary,
  );
  return row;
}

function tableOf(columns, choose) {
  const table = element("table");
  table.setAttribute("aria-label", "Columns");
  const head = element("tr");
  for (const [className, text] of HEADS) {
    const cell = element("th", className, className === "pick" ? undefined : text);
    if (className === "pick") cell.setAttribute("aria-label", text);
    cell.scope = "col";
    head.append(cell);
  }
  const top = element("thead");
  const body = element("tbody");
  top.append(head);
  body.append(...columns.map((column) => rowOf(column, choose)));
  table.append(top, body);
  return table;
}

export default function ({ data, parentElement, setTriggerValue }) {
  const frame = parentElement.querySelector(".frame");
  const mark = (name) => {
    for (const radio of frame.querySelectorAll("input")) {
      radio.checked = radio.value === name;
      radio.closest("tr").classList.toggle("chosen", radio.checked);
    }
  };
  const choose = (name) => {
    mark(name);
    setTriggerValue("chosen", name);
  };
  // Only another choice: the rows stay, and with them the focus of whoever walks through them.
  const drawn = JSON.stringify(data.columns);
  if (frame.drawn !== drawn) frame.replaceChildren(tableOf(data.columns, choose));
  frame.drawn = drawn;
  mark(data.chosen);
}
