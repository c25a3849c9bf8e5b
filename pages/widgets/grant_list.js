function levelChoice(one, levels, press) {
  const choice = element("select");
  choice.setAttribute("aria-label", `What ${one.name} may do`);
  for (const [value, text] of levels) {
    const option = element("option", "", text);
    option.value = value;
    choice.append(option);
  }
  choice.value = one.level;
  choice.onchange = () => press({ id: one.id, kind: one.kind, level: choice.value });
  return choice;
}

function line(one, data, press) {
  const item = element("li");
  item.dataset.id = one.id;
  const name = element("span", "called", one.name);
  name.title = one.name;
  if (one.note) name.append(element("span", "quiet", ` · ${one.note}`));
  item.append(icon(one.kind === "group" ? "group" : "person"), name);
  if (data.may_change && one.id) {
    const remove = element("button", "act", "Remove");
    remove.type = "button";
    remove.setAttribute("aria-label", `Remove ${one.name}`);
    remove.onclick = () => press({ id: one.id, kind: one.kind, level: "" });
    item.append(levelChoice(one, data.levels, press), remove);
  } else {
    item.append(element("span", "level quiet", one.shown));
  }
  return item;
}

export default function ({ data, parentElement, setTriggerValue }) {
  const list = parentElement.querySelector(".grants");
  const press = (change) => setTriggerValue("change", change);
  const active = list.getRootNode().activeElement;
  const held = active?.closest?.("li")?.dataset.id;
  list.replaceChildren(...data.grants.map((one) => line(one, data, press)));
  // Drawn anew after a change, the list keeps the focus of whoever works through it by keyboard.
  if (held) list.querySelector(`[data-id="${CSS.escape(held)}"] ${active.localName}`)?.focus();
}
