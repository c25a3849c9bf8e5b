export default function ({ data, parentElement }) {
  const line = parentElement.querySelector(".ready");
  const words = element("span", "", `${data.name} is ready`);
  words.setAttribute("role", "status");
  const link = element("a", "", "Download again");
  link.href = data.url;
  downloadOnClick(link, () => {
    words.className = "failed";
    words.textContent = `${data.name} did not arrive. Run the download again.`;
  });
  line.replaceChildren(icon("check"), words, link);
  // Another tab of the page and back draws this anew; the file is not sent twice for that.
  const begun = (window.__datashelfReady ??= new Set());
  if (!begun.has(data.token)) {
    begun.add(data.token);
    link.click();
  }
}
