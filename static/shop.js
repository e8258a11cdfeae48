// Going back, browsers show a page as they remember it: with the old price, or with a confirmation of long ago. This
// loads it again. The page of a form is left alone: it holds what was typed, and may be the answer to a form, which
// would be sent again. A form beside other things counts only while something is typed in it.
"use strict";
(() => {
  if (document.querySelector("form.card:not(.beside)")) return;
  const isTyped = () => [...document.querySelectorAll(".beside input:not([type=hidden])")].some((field) => field.value);
  // Hidden while it is away, so that the old page is not even seen for a moment.
  addEventListener("pagehide", (event) => { document.documentElement.hidden = event.persisted && !isTyped(); });
  addEventListener("pageshow", (event) => {
    const [navigation] = performance.getEntriesByType("navigation");
    if ((event.persisted || navigation?.type === "back_forward") && !isTyped()) location.reload();
  });
})();
