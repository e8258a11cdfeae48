// Sorts the league's table in the browser: by a click on a column's head, or by keyboard on its button.
// Without this script the table stands in the order of places.
"use strict";
(() => {
  const table = document.getElementById("league");
  const data = document.getElementById("league-data");
  if (!table || !data) return;
  const body = table.tBodies[0];
  // The data are in the order of the rows as they came.
  const rows = JSON.parse(data.textContent).map((values, place) => ({ values, row: body.rows[place] }));
  const words = new Intl.Collator();
  const compare = (one, other) =>
    typeof one === "string" ? words.compare(one, other) : (one ?? -Infinity) - (other ?? -Infinity);
  // Places and names begin with the least, all other columns with the most.
  const rises = new Set(["position", "name", "favourite"]);

  const sort = (head) => {
    const by = head.dataset.by;
    const first = rises.has(by) ? "ascending" : "descending";
    const second = rises.has(by) ? "descending" : "ascending";
    const order = head.getAttribute("aria-sort") === first ? second : first;
    for (const other of head.parentElement.cells) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", order);
    const sign = order === "ascending" ? 1 : -1;
    // A stable sort: equal rows stay as they were.
    rows.sort((one, other) => sign * compare(one.values[by], other.values[by]));
    body.append(...rows.map(({ row }) => row));
  };

  for (const head of table.tHead.rows[0].cells) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = head.textContent;
    button.addEventListener("click", () => sort(head));
    head.replaceChildren(button);
  }
  table.tHead.rows[0].cells[0].setAttribute("aria-sort", "ascending");
})();
