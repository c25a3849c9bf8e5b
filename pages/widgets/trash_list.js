function cell(className, text, title) {
  const made = element("div", className, text);
  made.setAttribute("role", "cell");
  if (title) made.title = title;
  return made;
}

function act(text, label, press) {
  const button = element("button", "", text);
  button.type = "button";
  button.setAttribute("aria-label", label);
  button.onclick = () => {
    button.setAttribute("aria-busy", "true");
    press();
    setTimeout(() => button.removeAttribute("aria-busy"), 2000);
  };
  return button;
}

function row(item, setTriggerValue) {
  const line = element("div", "row");
  line.setAttribute("role", "row");
  const text = cell("text");
  text.append(element("div", "called", item.name), element("div", "about", item.about));
  const actions = cell("acts");
  const restore = act("Restore", `Restore ${item.what}`, () => setTriggerValue("restore", item.id));
  restore.disabled = !item.can_restore;
  if (item.restorable) {
    actions.append(restore);
  }
  if (item.can_purge) {
    actions.append(act("Delete now", `Delete ${item.what} now`, () => setTriggerValue("purge", item.id)));
  }
  const until = cell("number until", item.until, item.until_title);
  until.dataset.label = "Removed for good";
  line.append(
    text,
    cell("number when", item.deleted, item.deleted_title),
    until,
    cell("number", item.size),
    actions,
  );
  return line;
}

function head(summary) {
  const line = element("div", "row head");
  line.setAttribute("role", "row");
  for (const [className, text] of [
    ["text", summary],
    ["number", "Deleted"],
    ["number", "Removed for good"],
    ["number", "Size"],
    ["acts", "Restore or delete"],
  ]) {
    const column = element("div", className, text);
    column.setAttribute("role", "columnheader");
    line.append(column);
  }
  return line;
}

export default function ({ data, parentElement, setTriggerValue }) {
  const rows = data.items.map((item) => row(item, setTriggerValue));
  parentElement.querySelector(".list").replaceChildren(head(data.summary), ...rows);
}
