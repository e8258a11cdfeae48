// Going back, browsers show a page as they remember it: with the old price, or with a confirmation of long ago. This
// loads it again. A page with a form is left alone, since it holds what was typed.
"use strict";
(() => {
  if (document.querySelector("form.card")) return;
  // Hidden while it is away, so that the old page is not even seen for a moment.
  addEventListener("pagehide", (event) => { document.documentElement.hidden = event.persisted; });
  addEventListener("pageshow", (event) => {
    const [navigation] = performance.getEntriesByType("navigation");
    if (event.persisted || navigation?.type === "back_forward") location.reload();
  });
})();
