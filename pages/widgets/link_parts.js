// What a row of links offers: its address, copied whole by one click, and what can be done with it.
function copyButton(item, className, shown) {
  const button = element("button", className);
  button.type = "button";
  button.title = `Copy ${item.url}`;
  button.setAttribute("aria-label", `Copy the link ${item.name}`);
  if (shown) button.append(element("span", "address", shown));
  button.append(icon("copy"));
  const box = element("span", "copying");
  const status = element("span", "copied");
  status.setAttribute("role", "status");
  box.append(button, status);
  button.onclick = async () => {
    if (await toClipboard(item.url)) {
      button.lastChild.replaceWith(icon("check"));
      status.textContent = "Link copied";
      clearTimeout(button.timer);
      button.timer = setTimeout(() => {
        button.lastChild.replaceWith(icon("copy"));
        status.textContent = "";
      }, 2000);
    } else {
      // The browser does not let a page write there: the address, to be copied by hand.
      const field = element("input", "by-hand");
      field.readOnly = true;
      field.value = item.url;
      field.setAttribute("aria-label", `The link ${item.name}`);
      field.onkeydown = (event) => event.key === "Escape" && field.blur();
      field.onblur = () => box.replaceChildren(button, status);
      box.replaceChildren(field);
      field.focus();
      field.select();
    }
  };
  return box;
}

const ACTS = { revoke: ["Revoke", "block"], renew: ["Renew", "refresh"] };

function actButton(item, press) {
  const [text, picture] = ACTS[item.act];
  const button = element("button", "act", text);
  button.type = "button";
  button.prepend(icon(picture));
  button.setAttribute("aria-label", `${text} ${item.name}`);
  button.onclick = () => {
    button.setAttribute("aria-busy", "true");
    press({ id: item.id, act: item.act });
    setTimeout(() => button.removeAttribute("aria-busy"), 2000);
  };
  return button;
}

// Drawn anew, the rows keep the focus of whoever works through them by keyboard.
function keepFocus(list, draw) {
  const held = list.getRootNode().activeElement?.closest?.("[data-id]")?.dataset.id;
  draw();
  if (held) list.querySelector(`[data-id="${CSS.escape(held)}"] :is(.act, button, a)`)?.focus();
}
