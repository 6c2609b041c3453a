const read = (id) => JSON.parse(document.getElementById(id)?.textContent || "{}");
const names = read("names"), config = read("config");
const specs = Object.fromEntries(Object.entries(read("specs")).map(([name, spec]) => [name, { config, ...spec }]));
const treatments = new Set([...document.querySelectorAll("[data-treatment]")].map((cell) => cell.dataset.treatment));
const views = new Map();

// Labels of cases that the filter leaves out.
let hidden = new Set();

const isHidden = (label) => hidden.has(label) || [...hidden].some((name) => label.startsWith(`${name}+`));

// The names that a word of the filter means: those equal to it, else those that begin with it; * stands for any text.
function meant(word, all) {
  const pattern = new RegExp(`^${word.split("*").map(RegExp.escape ?? escaped).join(".*")}$`, "i");
  const whole = all.filter((name) => pattern.test(name));
  return new Set(whole.length ? whole : all.filter((name) => name.toLowerCase().startsWith(word.toLowerCase())));
}
const escaped = (text) => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");

function filter(text) {
  const words = text.split(/[\s,]+/).filter(Boolean);
  const everything = [...new Set([...Object.values(names).flat(), ...treatments])];
  const wanted = words.map((word) => meant(word, everything));
  const ofCases = wanted.filter((found) => !found.size || [...found].some((name) => !treatments.has(name)));
  const chosen = wanted.flatMap((found) => [...found].filter((name) => treatments.has(name)));
  const left = Object.entries(names).filter(([, own]) => !ofCases.length || ofCases.some((found) => own.some((name) => found.has(name))));
  const kept = new Set(left.map(([label]) => label));
  hidden = new Set(Object.keys(names).filter((label) => !kept.has(label)));
  for (const part of document.querySelectorAll("main [data-case]")) part.hidden = isHidden(part.dataset.case);
  for (const cell of document.querySelectorAll("main [data-treatment]")) cell.hidden = chosen.length > 0 && !chosen.includes(cell.dataset.treatment);
  for (const group of document.querySelectorAll("main tbody, main .claims, main .fold, main section")) hideEmpty(group);
  document.querySelector(".filter output").textContent = words.length ? `${kept.size} of ${Object.keys(names).length} cases` : "";
  draw(true);
}

// Hide a group all of whose cases are hidden.
function hideEmpty(group) {
  const own = [...group.querySelectorAll("[data-case]")];
  if (group.dataset.case === undefined && own.length) group.hidden = own.every((part) => part.hidden);
}

// The chart without the hidden cases; null if it shows no other.
function chosen(spec) {
  if (!hidden.size) return spec;
  const named = tables(spec).flatMap(records).map((row) => row.case).filter(Boolean);
  if (named.length && named.every(isHidden)) return null;
  const lines = spec.usermeta?.lines?.filter((line) => !isHidden(line));
  const found = within(spec);
  return lines ? { ...found, height: spec.usermeta.line * lines.length } : found;
}

// Leave the hidden cases out of the data and the scales of a chart and its parts.
function within(part) {
  if (Array.isArray(part)) return part.filter((item) => typeof item !== "string" || !hidden.has(item)).map(within);
  if (part === null || typeof part !== "object") return part;
  const inner = Object.fromEntries(Object.entries(part).map(([key, value]) => [key, key === "datasets" ? value : within(value)]));
  if (!(part.mark && part.encoding)) return inner;
  const test = `indexof(${JSON.stringify([...hidden])}, datum.case) < 0`;
  return { ...inner, transform: [{ filter: test }, ...(inner.transform ?? [])] };
}

async function drawOne(figure) {
  const turn = (figure.turn = {});
  const spec = chosen(specs[figure.dataset.figure]);
  figure.hidden = spec === null || (figure.dataset.case !== undefined && isHidden(figure.dataset.case));
  if (figure.hidden) return;
  try {
    const options = { renderer: "svg", actions: false, tooltip: { disableDefaultStyle: true } };
    const { finalize } = await vegaEmbed(figure.querySelector(".chart"), spec, options);
    if (figure.turn !== turn) return finalize(); // drawn again in the meantime
    views.get(figure)?.();
    views.set(figure, finalize);
    figure.querySelector(".tools").hidden = false;
    figure.dataset.drawn = "yes";
  } catch (error) {
    figure.dataset.drawn = "no";
    console.error(figure.dataset.figure, error);
  }
}

const isClosed = (figure) => figure.parentElement.closest("details:not([open])") !== null;

// Draw the figures that can be seen; again where the filter changed.
async function draw(again) {
  for (const figure of document.querySelectorAll("figure")) {
    if (isClosed(figure)) delete figure.dataset.drawn;
    else if (again || !figure.dataset.drawn) await drawOne(figure);
  }
}

function save(name, address) {
  Object.assign(document.createElement("a"), { href: address, download: name }).click();
}

// The plotted data as one table: the columns of all parts of the chart. Cells stay quoted as they are.
function csv(spec) {
  const rows = tables(spec).flatMap(records);
  const columns = [...new Set(rows.flatMap(Object.keys))];
  return [columns, ...rows.map((row) => columns.map((name) => row[name] ?? ""))].map((row) => `${row.join(",")}\n`).join("");
}

const tables = (spec) => Object.values(spec.datasets ?? {}).filter((values) => typeof values === "string");

function records(text) {
  const lines = [[]];
  for (const [, cell, end] of text.matchAll(/("(?:[^"]|"")*"|[^,\n]*)(,|\n)/g)) {
    lines.at(-1).push(cell);
    if (end === "\n") lines.push([]);
  }
  const [names, ...rows] = lines.slice(0, -1);
  return rows.map((row) => Object.fromEntries(row.map((cell, place) => [names[place], cell])));
}

async function download(figure, kind) {
  const name = `${figure.dataset.figure}.${kind}`;
  if (kind === "csv") {
    const address = URL.createObjectURL(new Blob([csv(specs[figure.dataset.figure])], { type: "text/csv" }));
    save(name, address);
    return URL.revokeObjectURL(address);
  }
  // Saved pictures are on white in light and dark mode.
  const spec = JSON.parse(JSON.stringify(specs[figure.dataset.figure]).replaceAll("currentColor", "#222222"));
  const place = document.body.appendChild(document.createElement("div"));
  place.style.cssText = "position:absolute;left:-200rem;width:50rem";
  const { view, finalize } = await vegaEmbed(place, { ...spec, background: "white" }, { renderer: "svg", actions: false });
  save(name, await view.toImageURL(kind, 2));
  finalize();
  place.remove();
}

// Sort by a column on a click: rising, falling, and as before; the rows of groups become one list.
function sortable(table) {
  const before = [...table.tBodies].map((body) => [body, [...body.rows]]);
  const groups = table.querySelectorAll("tr.group");
  for (const head of table.tHead.rows[0].cells) {
    if (head.querySelector(".hidden")) continue;
    const button = document.createElement("button");
    button.type = "button";
    const scale = head.querySelector(".scale");
    scale?.remove();
    button.append(...head.childNodes);
    head.append(button, ...(scale ? [scale] : []));
    button.addEventListener("click", () => {
      const order = { none: "ascending", ascending: "descending", descending: "none" }[head.ariaSort ?? "none"];
      for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
      if (order !== "none") head.setAttribute("aria-sort", order);
      for (const group of groups) group.hidden = order !== "none";
      if (order === "none") return before.forEach(([body, rows]) => body.append(...rows));
      const rows = before.flatMap(([, own]) => own.filter((row) => !row.classList.contains("group")));
      table.tBodies[0].append(...rows.sort(comparison(head.cellIndex, order === "ascending")));
    });
  }
}

function comparison(place, rising) {
  const value = (row) => row.cells[place].dataset.value ?? "";
  const number = (row) => (value(row) === "" ? NaN : Number(value(row)));
  return (a, b) => {
    const [x, y] = [number(a), number(b)];
    if (Number.isNaN(x) !== Number.isNaN(y)) return Number.isNaN(x) ? 1 : -1; // cells without a number come last
    const order = Number.isNaN(x) ? value(a).localeCompare(value(b)) : x - y;
    return rising ? order : -order;
  };
}

// The filter is kept in the address, as in #filter=relu-bias+adam.
const input = document.getElementById("filter");
const PREFIX = "#filter=";

function follow() {
  if (location.hash.startsWith(PREFIX)) {
    input.value = decodeURIComponent(location.hash.slice(PREFIX.length).replaceAll("+", " "));
    return filter(input.value);
  }
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (target?.matches("details")) target.open = true;
}

function refilter() {
  const text = input.value.trim();
  history.replaceState(null, "", text ? PREFIX + encodeURIComponent(text).replaceAll("%20", "+") : "#");
  filter(text);
}

for (const table of document.querySelectorAll("table.sortable")) sortable(table);
for (const details of document.querySelectorAll("details")) details.addEventListener("toggle", () => details.open && draw(false));
for (const button of document.querySelectorAll("[data-save]"))
  button.addEventListener("click", () => download(button.closest("figure"), button.dataset.save));
if (input) {
  input.closest("[hidden]").hidden = false;
  let waiting;
  input.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(refilter, 200);
  });
  for (const button of document.querySelectorAll("[data-filter]"))
    button.addEventListener("click", () => ((input.value = button.dataset.filter), refilter()));
  addEventListener("hashchange", follow);
  follow();
}
await draw(false);
document.body.dataset.drawn = "all";
