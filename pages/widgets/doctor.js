const WORDS = { fail: "fails", warn: "warns", ok: "ok", skipped: "not tried" };

function copyButton(text) {
  const button = element("button", "copy");
  button.type = "button";
  button.setAttribute("aria-label", "Copy the block");
  button.append(icon("copy"));
  button.onclick = async () => {
    const done = await toClipboard(text);
    button.replaceChildren(icon(done ? "check" : "copy"));
    button.setAttribute("aria-label", done ? "Copied" : "Select the block and copy it by hand");
    setTimeout(() => button.replaceChildren(icon("copy")), 2000);
  };
  return button;
}

// The ways to put it right: a chooser where there are several kinds of server, then how, then the block.
function fixesOf(finding, extra) {
  const place = element("div", "fixes");
  const how = element("p", "how");
  const frame = element("div", "block");
  const code = element("pre", "");
  code.tabIndex = 0;
  code.setAttribute("aria-label", "Block to paste");
  const show = (fix) => {
    how.textContent = fix.how;
    code.textContent = fix.block;
    frame.replaceChildren(code, copyButton(fix.block));
  };
  if (finding.fixes.length > 1) {
    const chooser = element("div", "chooser");
    chooser.setAttribute("role", "radiogroup");
    chooser.setAttribute("aria-label", "What stands there");
    finding.fixes.forEach((fix, number) => {
      const label = element("label", "choice");
      const radio = element("input");
      radio.type = "radio";
      radio.name = `fix-${finding.id}`;
      radio.checked = number === 0;
      radio.onchange = () => show(fix);
      label.append(radio, element("span", "", fix.label));
      chooser.append(label);
    });
    place.append(chooser);
  }
  show(finding.fixes[0]);
  place.append(how, frame);
  if (extra) place.prepend(extra);
  return place;
}

function findingRow(finding, { open, onToggle, extra }) {
  const row = element("li", `finding ${finding.status}`);
  const head = element("div", "line");
  const mark = element("span", "mark");
  mark.append(icon(finding.status));
  mark.setAttribute("role", "img");
  mark.setAttribute("aria-label", WORDS[finding.status]);
  const found = element("span", "found", finding.found);
  head.append(mark, element("span", "title", finding.title), found);
  row.append(head);
  if (!finding.means && !finding.fixes.length) return row;
  const more = element("div", "more");
  if (finding.means) more.append(element("p", "means", finding.means));
  if (finding.fixes.length) more.append(fixesOf(finding, extra));
  more.hidden = !open;
  const label = (shown) => `${shown ? "Hide" : "Show"} ${finding.fixes.length ? "fix" : "more"}`;
  const toggle = element("button", "toggle", label(open));
  toggle.type = "button";
  toggle.setAttribute("aria-expanded", String(open));
  toggle.onclick = () => {
    more.hidden = !more.hidden;
    toggle.textContent = label(!more.hidden);
    toggle.setAttribute("aria-expanded", String(!more.hidden));
    onToggle(finding.id, !more.hidden);
  };
  head.append(toggle);
  row.append(more);
  return row;
}

function verdictLine(place, verdict) {
  const bold = element("strong", verdict.status, verdict.sentence);
  place.replaceChildren(bold, element("span", "meaning", ` · ${verdict.meaning}`));
}

export default function ({ data, parentElement }) {
  const root = parentElement.querySelector(".doctor");
  if (root.run === data.run) return undefined;
  root.run = data.run;
  const [verdict, step, list] = ["verdict", "step", "list"].map((name) => root.querySelector(`.${name}`));
  const toggled = new Map();
  let ended = false;
  const stale = () => ended || root.run !== data.run;

  const draw = (diagnosis) => {
    verdictLine(verdict, diagnosis.verdict);
    const rows = diagnosis.findings.map((finding) =>
      findingRow(finding, {
        open: toggled.get(finding.id) ?? finding.status === "fail",
        onToggle: (id, open) => toggled.set(id, open),
        extra: finding.fixes.length && ["cors", "links"].includes(finding.id) && ownRule(diagnosis, finding),
      }),
    );
    list.replaceChildren(...rows);
  };

  // The button that does what the block says, where the store has the call for it.
  const ownRule = (diagnosis, finding) => {
    const isAboutCors = finding.fixes.some((fix) => fix.block.includes("put-bucket-cors"));
    if (!diagnosis.can_set_cors || !isAboutCors) return null;
    const line = element("p", "own");
    const button = element("button", "button", "Set the rule");
    button.type = "button";
    const said = element("span", "said", "Datashelf sets it on the bucket, beside the rules that are there.");
    said.setAttribute("role", "status");
    button.onclick = async () => {
      button.disabled = true;
      said.textContent = "Setting it…";
      try {
        await callDoctor("POST", "/cors");
        await run(true);
      } catch (error) {
        said.textContent = error instanceof TypeError ? "The server did not answer. Try again." : error.message;
        button.disabled = false;
      }
    };
    line.append(button, said);
    return line;
  };

  const run = async (anew) => {
    root.setAttribute("aria-busy", "true");
    step.textContent = "The server tries the store…";
    try {
      const server = await callDoctor("GET", anew ? "?anew=true" : "");
      if (stale()) return;
      draw(server);
      step.textContent = "This browser tries it, too…";
      const both = await examineHere((what) => (step.textContent = `This browser ${what}…`));
      if (stale()) return;
      if (both) draw(both);
      step.textContent = "";
    } catch (error) {
      // A store that is away gives no links to try: what the server found says it already.
      if (!stale()) step.textContent = list.children.length ? "" : `The checks did not run. ${error.message}`;
    } finally {
      if (!stale()) root.removeAttribute("aria-busy");
    }
  };
  run(data.run > 0);
  return () => {
    ended = true;
  };
}
