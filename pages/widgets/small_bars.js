// A column's distribution as a small picture: bars from 0 to 1.
const SVG = "http://www.w3.org/2000/svg";
const WIDTH = 100;
const HEIGHT = 30;

function smallBars(column) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", column.lengths ? "small lengths" : "small");
  svg.setAttribute("viewBox", `0 0 ${WIDTH} ${HEIGHT}`);
  svg.setAttribute("preserveAspectRatio", "none");
  svg.setAttribute("role", "img");
  svg.setAttribute("aria-label", column.alt);
  const step = WIDTH / Math.max(column.bars.length, 8);
  column.bars.forEach((height, place) => {
    const bar = document.createElementNS(SVG, "rect");
    // What is not empty is seen, however small it is beside the highest.
    const tall = height ? Math.max(1, height * HEIGHT) : 0;
    bar.setAttribute("x", place * step);
    bar.setAttribute("y", HEIGHT - tall);
    bar.setAttribute("width", step * 0.86);
    bar.setAttribute("height", tall);
    svg.append(bar);
  });
  return svg;
}
