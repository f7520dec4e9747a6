"use strict";

const { scenarios, figures } = JSON.parse(document.getElementById("data").textContent);
const picker = Object.fromEntries(["scenario", "aggregation"].map((id) => [id, document.getElementById(id)]));
const byName = Object.fromEntries(figures.map((figure) => [figure.name, figure]));
// ast: expressions are interpreted, for the page's policy forbids eval.
const options = { ast: true, renderer: "svg", actions: false, tooltip: false, defaultStyle: false };
let drawn = [];

function create(tag, text = "", properties = {}) {
  return Object.assign(document.createElement(tag), { textContent: text }, properties);
}

function chosen() {
  return scenarios.find((scenario) => scenario.name === picker.scenario.value);
}

// The marks of a figure for what is picked; what depends on no aggregation has none.
function marks(figure) {
  const scenario = chosen();
  return scenario.groups
    .flatMap((group) => figure.rows[group] ?? [])
    .map((values) => Object.fromEntries(figure.fields.map((field, place) => [field, values[place]])))
    .filter((mark) => !mark.aggregation || mark.aggregation === picker.aggregation.value)
    .map((mark) => ({
      ...mark,
      low: mark.low ?? mark.value,
      high: mark.high ?? mark.value ?? 0, // where the label stands
      picked: mark.row === scenario.short,
    }));
}

function byPanel(rows) {
  const panels = new Map();
  rows.forEach((row) => panels.set(row.panel, [...(panels.get(row.panel) ?? []), row]));
  return [...panels];
}

function words(mark) {
  return [mark.row, mark.series === mark.row ? "" : mark.series, mark.label, mark.range && `(${mark.range})`]
    .filter(Boolean)
    .join(" ");
}

function drawPanel(figure, element, name, rows) {
  const title = element.querySelector("h3").textContent + (name ? `, ${name}` : "");
  const panel = create("div", "", { className: "panel" });
  const plot = create("div", "", { className: "plot" });
  const description = `${title}: ${rows.map(words).join("; ")}`; // which Vega makes the plot's aria-label
  if (name) panel.append(create("h4", name));
  panel.append(plot);
  element.querySelector(".panels").append(panel);
  return view({ ...figure.vega, description }, rows, plot);
}

function view(chart, rows, container) {
  const most = Math.max(...rows.map((row) => row.value ?? 0));
  const values = rows.map((row) => ({ ...row, most }));
  const data = chart.data.map((each) => (each.name === "rows" ? { ...each, values } : each));
  return vegaEmbed(container, { ...chart, data }, options);
}

function fillTable(figure, element, rows) {
  const fields = ["panel", "row", "series", "label", "range"];
  const shown = figure.columns
    .map((head, place) => [head, fields[place]])
    .filter(([head, field]) => head && (field !== "range" || rows.some((row) => row.range)));
  const head = create("tr");
  head.append(...shown.map(([name]) => create("th", name, { scope: "col" })));
  const body = rows.map((row) => {
    const line = create("tr");
    line.append(...shown.map(([, field]) => create("td", row[field] ?? "")));
    return line;
  });
  element.querySelector("table").replaceChildren(head, ...body);
}

function draw(figure) {
  const element = document.getElementById(figure.name);
  const panels = element.querySelector(".panels");
  const rows = marks(figure);
  element.classList.toggle("absent", rows.length === 0);
  panels.style.minHeight = `${panels.offsetHeight}px`; // or the page would jump while charts are drawn again
  panels.replaceChildren();
  fillTable(figure, element, rows);
  return byPanel(rows).map(([name, part]) => drawPanel(figure, element, name, part));
}

function fillNumbers() {
  document.querySelectorAll("[data-figure]").forEach((element) => {
    const { figure, panel, row } = element.dataset;
    const mark = marks(byName[figure]).find((each) => each.panel === panel && each.row === row);
    element.textContent = mark?.label ?? "–";
  });
  document.querySelectorAll("[data-scenario]").forEach((element) => {
    element.textContent = chosen()[element.dataset.scenario];
  });
  document.querySelectorAll("[data-picked]").forEach((element) => {
    element.textContent = picker[element.dataset.picked].value;
  });
}

async function drawAll() {
  const main = document.querySelector("main");
  main.setAttribute("aria-busy", "true");
  drawn.forEach((pending) => pending.then((old) => old.finalize()));
  fillNumbers();
  const mine = (drawn = figures.flatMap(draw));
  await Promise.all(mine);
  if (drawn !== mine) return;
  document.querySelectorAll(".panels").forEach((panels) => (panels.style.minHeight = ""));
  main.setAttribute("aria-busy", "false");
}

Object.values(picker).forEach((select) => select.addEventListener("change", drawAll));
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && document.activeElement.matches(".term")) document.activeElement.blur();
});
drawAll();
