export default function ({ data, parentElement }) {
  const link = element("a", "button primary", data.label);
  link.href = data.url;
  link.target = "_self";
  link.prepend(icon("download"));
  parentElement.querySelector(".place").replaceChildren(link);
}
