const specs = JSON.parse(document.getElementById("specs").textContent);
const views = new Map();

// A chart whose data name a case shows only those that are asked for, or nothing.
function chosen(spec, query) {
  const named = tables(spec).filter((table) => table.split("\n", 1)[0].split(",").includes("case"));
  if (!query || !named.length) return spec;
  if (!named.some((table) => table.toLowerCase().includes(query))) return null;
  const { lines = [], line } = spec.usermeta ?? {};
  const matching = lines.filter((name) => name.toLowerCase().includes(query)).length;
  const filter = `indexof(lower(datum.case), ${JSON.stringify(query)}) >= 0`;
  return {
    ...spec,
    transform: [{ filter }, ...(spec.transform ?? [])],
    ...(matching ? { height: line * matching } : {}),
  };
}

async function draw(figure, query = "") {
  const spec = chosen(specs[figure.dataset.figure], query);
  views.get(figure)?.finalize();
  figure.hidden = spec === null;
  if (figure.hidden) return;
  const options = { renderer: "svg", actions: false, tooltip: { disableDefaultStyle: true } };
  try {
    const { view, finalize } = await vegaEmbed(figure.querySelector(".chart"), spec, options);
    views.set(figure, { view, finalize });
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

// The data that are drawn, each part of a chart its own table of comma-separated values.
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
  // A saved picture stands on white, whatever the page does.
  const spec = JSON.parse(JSON.stringify(specs[figure.dataset.figure]).replaceAll("currentColor", "#222222"));
  const place = document.body.appendChild(Object.assign(document.createElement("div"), { className: "offstage" }));
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
      const compare = (a, b) => {
        const [x, y] = [Number(value(a)), Number(value(b))];
        if (Number.isNaN(x) !== Number.isNaN(y)) return Number.isNaN(x) ? 1 : -1; // what has no number comes last
        const order = Number.isNaN(x) ? value(a).localeCompare(value(b)) : x - y;
        return rising ? order : -order;
      };
      body.append(...[...body.rows].sort(compare));
    });
  }
}

function filterTables(query) {
  let shown = 0, all = 0;
  for (const table of document.querySelectorAll("main table")) {
    const around = (table.closest("figure")?.dataset.case ?? "") + (table.closest(".scroll").getAttribute("aria-label") ?? "");
    for (const row of table.tBodies[0].rows) {
      row.hidden = !(around + row.textContent).toLowerCase().includes(query);
      all += 1;
      shown += row.hidden ? 0 : 1;
    }
  }
  return query ? `${shown} of ${all} lines` : "";
}

async function filter(query) {
  document.querySelector(".filter output").textContent = filterTables(query);
  for (const figure of document.querySelectorAll("figure[data-case]"))
    figure.hidden = !figure.dataset.case.toLowerCase().includes(query);
  for (const figure of document.querySelectorAll("figure:not([data-case])")) await draw(figure, query);
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
    waiting = setTimeout(() => filter(input.value.trim().toLowerCase()), 200);
  });
}
for (const figure of document.querySelectorAll("figure")) await draw(figure);
document.body.dataset.drawn = "all";
