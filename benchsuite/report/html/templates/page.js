const specs = JSON.parse(document.getElementById("specs").textContent);
const views = new Map();

let query = "";

const header = (table) => table.split("\n", 1)[0].split(",");
const matches = (text) => text.toLowerCase().includes(query);

// Keep the rows of a chart that match the filter; null if the data name cases and none matches.
function chosen(spec) {
  const named = Object.entries(spec.datasets ?? {}).filter(([, table]) => typeof table === "string" && header(table).includes("case"));
  if (!query || !named.length) return spec;
  const rows = named.flatMap(([, table]) => table.split("\n").slice(1)).filter(matches);
  if (!rows.length) return null;
  const { lines = [], line } = spec.usermeta ?? {};
  const left = lines.filter((name) => rows.some((row) => row.includes(name))).length;
  return { ...within(spec, new Map(named)), ...(left ? { height: line * left } : {}) };
}

// Add the filter to each part of the chart that names its data.
function within(part, named) {
  const table = named.get(part.data?.name);
  const filtered = table && { transform: [{ filter: condition(header(table)) }, ...(part.transform ?? [])] };
  return { ...part, ...filtered, ...(part.layer ? { layer: part.layer.map((layer) => within(layer, named)) } : {}) };
}

const condition = (fields) =>
  `indexof(lower(${fields.map((field) => `datum[${JSON.stringify(field)}]`).join("+' '+")}), ${JSON.stringify(query)}) >= 0`;

async function draw(figure) {
  const turn = (figure.turn = {});
  const spec = chosen(specs[figure.dataset.figure]);
  figure.hidden = spec === null || !matches(figure.dataset.case ?? query);
  if (figure.hidden) return;
  try {
    const options = { renderer: "svg", actions: false, tooltip: { disableDefaultStyle: true } };
    const { view, finalize } = await vegaEmbed(figure.querySelector(".chart"), spec, options);
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

function save(name, address) {
  const link = Object.assign(document.createElement("a"), { href: address, download: name });
  link.click();
}

// The plotted data: a table of comma-separated values for each part of the chart.
function tables(spec) {
  return Object.values(spec.datasets ?? {}).filter((values) => typeof values === "string");
}

async function download(figure, kind) {
  const name = `${figure.dataset.figure}.${kind}`;
  if (kind === "csv") {
    const address = URL.createObjectURL(new Blob([tables(specs[figure.dataset.figure]).join("\n")], { type: "text/csv" }));
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

function sortable(table) {
  const body = table.tBodies[0];
  for (const head of table.tHead.rows[0].cells) {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const rising = head.getAttribute("aria-sort") !== "ascending";
      for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", rising ? "ascending" : "descending");
      const value = (row) => row.cells[head.cellIndex].dataset.value;
      const number = (row) => (value(row) === "" ? NaN : Number(value(row)));
      const compare = (a, b) => {
        const [x, y] = [number(a), number(b)];
        if (Number.isNaN(x) !== Number.isNaN(y)) return Number.isNaN(x) ? 1 : -1; // cells without a number come last
        const order = Number.isNaN(x) ? value(a).localeCompare(value(b)) : x - y;
        return rising ? order : -order;
      };
      body.append(...[...body.rows].sort(compare));
    });
  }
}

function filterTables() {
  let shown = 0, all = 0;
  for (const table of document.querySelectorAll("main table")) {
    const around = (table.closest("figure")?.dataset.case ?? "") + (table.closest(".scroll").getAttribute("aria-label") ?? "");
    for (const row of table.tBodies[0].rows) {
      row.hidden = !matches(around + row.textContent);
      all += 1;
      shown += row.hidden ? 0 : 1;
    }
  }
  document.querySelector(".filter output").textContent = query ? `${shown} of ${all} lines` : "";
}

async function drawAll() {
  for (const figure of document.querySelectorAll("figure")) await draw(figure);
}

for (const table of document.querySelectorAll("table")) sortable(table);
for (const button of document.querySelectorAll("[data-save]"))
  button.addEventListener("click", () => download(button.closest("figure"), button.dataset.save));
const input = document.getElementById("filter");
if (input) {
  input.parentElement.hidden = false;
  let waiting;
  input.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => {
      query = input.value.trim().toLowerCase();
      filterTables();
      drawAll();
    }, 200);
  });
}
await drawAll();
document.body.dataset.drawn = "all";
