// Filters the cards of the gallery by family and tag; the address keeps the choice. Without scripts all cards are shown.
const form = document.getElementById("filter");
const cards = [...document.querySelectorAll("#gallery > li")];

function filter() {
  const { family, tag } = Object.fromEntries(new FormData(form));
  for (const card of cards) {
    card.hidden = (family && card.dataset.family !== family) || (tag && !card.dataset.tags.split(" ").includes(tag));
  }
  form.querySelector("output").textContent = `${cards.filter((card) => !card.hidden).length} of ${cards.length} cards`;
}

for (const [name, value] of new URLSearchParams(location.search)) {
  if (form.elements[name]) form.elements[name].value = value;
}
form.addEventListener("change", () => {
  filter();
  history.replaceState(null, "", `?${new URLSearchParams(new FormData(form))}`);
});
filter();
