export default function ({ data, parentElement }) {
  const facts = parentElement.querySelector(".facts");
  const status = element("span");
  status.setAttribute("role", "status");
  // A line may break between two facts, not inside one.
  const parts = data.facts.map((fact, place) => element("span", "fact", place ? `· ${fact}` : fact));
  facts.replaceChildren(...parts);
  if (data.checksum) {
    const chip = element("button", "chip", data.checksum_shown);
    chip.type = "button";
    chip.title = `${data.checksum_note}\n${data.checksum}`;
    chip.setAttribute("aria-label", `Copy the SHA-256 checksum ${data.checksum_shown}`);
    chip.append(icon("copy"));
    chip.onclick = async () => {
      if (await toClipboard(data.checksum)) {
        chip.lastChild.replaceWith(icon("check"));
        status.textContent = "copied";
        setTimeout(() => {
          chip.lastChild.replaceWith(icon("copy"));
          status.textContent = "";
        }, 2000);
      } else {
        chip.replaceWith(element("span", "whole", data.checksum));
      }
    };
    facts.append(chip, status);
  }
}
