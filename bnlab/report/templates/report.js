"use strict";
// Filters the table of all claims. Without JavaScript the controls stay hidden and the table is whole.
(() => {
  const filters = document.getElementById("filters");
  if (!filters) return;
  const [article, verdict] = filters.querySelectorAll("select");
  const shown = document.getElementById("shown");
  const groups = document.querySelectorAll("#all-claims tbody");
  const apply = () => {
    let count = 0;
    for (const group of groups) {
      let here = 0;
      for (const row of group.querySelectorAll("tr[data-verdict]")) {
        const fits = (!article.value || group.dataset.article === article.value)
          && (!verdict.value || row.dataset.verdict === verdict.value);
        row.hidden = !fits;
        here += fits ? 1 : 0;
      }
      group.hidden = here === 0;
      count += here;
    }
    shown.textContent = count === 1 ? "1 claim shown" : `${count} claims shown`;
  };
  filters.hidden = false;
  filters.addEventListener("change", apply);
  apply();
})();
