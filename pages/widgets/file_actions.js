const UNITS = [[86400, "day"], [3600, "hour"], [60, "minute"], [1, "second"]];

function span(seconds) {
  const [size, unit] = UNITS.find(([size]) => seconds >= size && seconds % size === 0) ?? [1, "second"];
  const count = seconds / size;
  return `${count} ${unit}${count === 1 ? "" : "s"}`;
}

function until(seconds) {
  const end = new Date(Date.now() + seconds * 1000);
  const clock = end.toLocaleTimeString("en-GB", seconds < 60 ? {} : { hour: "2-digit", minute: "2-digit" });
  return end.toDateString() === new Date().toDateString() ? clock : `tomorrow ${clock}`;
}

// The link is asked for at the click: one that lay in the page would have expired, and its life would not be known.
async function freshLink(address) {
  const answer = await fetch(address, { headers: { Accept: "application/json" }, cache: "no-store" });
  const body = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Error(body.detail ?? "The server did not answer. Try again.");
  return body;
}

export default function ({ data, parentElement, setTriggerValue }) {
  const actions = parentElement.querySelector(".actions");
  const copy = element("button", "button", data.copy_label);
  copy.type = "button";
  copy.prepend(icon("link"));
  const download = element("a", data.primary ? "button primary" : "button", data.download_label);
  download.href = data.download;
  download.setAttribute("aria-label", `${data.download_label}: ${data.file_name}`);
  download.prepend(icon("download"));
  downloadOnClick(download, (error) => setTriggerValue("failed", error));
  const note = element("div", "note");
  note.setAttribute("role", "status");

  const say = (text, failed = false) => {
    clearTimeout(say.timer);
    note.classList.toggle("failed", failed);
    note.textContent = text;
    say.timer = setTimeout(() => note.replaceChildren(), 8000);
  };
  const showLink = (text, url) => {
    say(text);
    clearTimeout(say.timer);
    const field = element("input");
    field.readOnly = true;
    field.value = url;
    field.setAttribute("aria-label", "Link");
    field.onkeydown = (event) => event.key === "Escape" && note.replaceChildren();
    field.onblur = () => note.replaceChildren();
    note.append(field);
    field.focus();
    field.select();
  };
  copy.onclick = async () => {
    copy.setAttribute("aria-busy", "true");
    try {
      const { url, expiry_sec: life } = await freshLink(data.link);
      const works = `works for ${span(life)}, until ${until(life)}`;
      if (await toClipboard(url)) say(`Link copied · ${works}`);
      else showLink(`Copy this link · it ${works}`, url);
    } catch (error) {
      say(error instanceof TypeError ? "The server did not answer. Try again." : error.message, true);
    } finally {
      copy.removeAttribute("aria-busy");
    }
  };
  actions.replaceChildren(...(data.primary ? [copy, download] : [download, copy]), note);
}
