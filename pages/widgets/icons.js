// Material Symbols, rounded (Apache-2.0), as paths: the icons of what is drawn in a component.
const ICONS = {
  download:
    "M480-337q-8 0-15-2.500t-13-8.500L308-492q-12-12-11.500-28t11.500-28q12-12 28.500-12.500T365-549l75 75v-286q0-17 11.500-28.500T480-800q17 0 28.500 11.500T520-760v286l75-75q12-12 28.500-11.500T652-548q11 12 11.500 28T652-492L508-348q-6 6-13 8.500t-15 2.500ZM240-160q-33 0-56.500-23.500T160-240v-80q0-17 11.500-28.500T200-360q17 0 28.500 11.500T240-320v80h480v-80q0-17 11.500-28.500T760-360q17 0 28.500 11.500T800-320v80q0 33-23.500 56.500T720-160H240Z",
  link: "M280-280q-83 0-141.500-58.500T80-480q0-83 58.500-141.500T280-680h120q17 0 28.500 11.500T440-640q0 17-11.500 28.500T400-600H280q-50 0-85 35t-35 85q0 50 35 85t85 35h120q17 0 28.500 11.500T440-320q0 17-11.500 28.500T400-280H280Zm80-160q-17 0-28.500-11.500T320-480q0-17 11.500-28.500T360-520h240q17 0 28.500 11.500T640-480q0 17-11.500 28.500T600-440H360Zm200 160q-17 0-28.500-11.500T520-320q0-17 11.500-28.500T560-360h120q50 0 85-35t35-85q0-50-35-85t-85-35H560q-17 0-28.500-11.500T520-640q0-17 11.500-28.500T560-680h120q83 0 141.500 58.500T880-480q0 83-58.500 141.500T680-280H560Z",
  copy: "M360-240q-33 0-56.500-23.500T280-320v-480q0-33 23.500-56.500T360-880h360q33 0 56.500 23.500T800-800v480q0 33-23.500 56.500T720-240H360Zm0-80h360v-480H360v480ZM200-80q-33 0-56.500-23.500T120-160v-520q0-17 11.500-28.500T160-720q17 0 28.500 11.500T200-680v520h400q17 0 28.500 11.500T640-120q0 17-11.500 28.500T600-80H200Zm160-240v-480 480Z",
  check: "m382-354 339-339q12-12 28-12t28 12q12 12 12 28.500T777-636L410-268q-12 12-28 12t-28-12L182-440q-12-12-11.500-28.500T183-497q12-12 28.500-12t28.500 12l142 143Z",
};

function icon(name) {
  const namespace = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(namespace, "svg");
  svg.setAttribute("viewBox", "0 -960 960 960");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(namespace, "path");
  path.setAttribute("d", ICONS[name]);
  svg.append(path);
  return svg;
}

// An element with a class and a text; user text only ever becomes text, never markup.
function element(tag, className, text) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}
