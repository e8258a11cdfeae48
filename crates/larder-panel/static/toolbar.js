// The debug toolbar in the page: a small tab, and a sheet that opens beside the page.
//
// - Nothing of the page is touched: two elements of our own. The first one in the page has the toolbar in a shadow root,
//   so that Tab reaches it first; the last one is room, so that the tab can be scrolled off the end of the page. On a
//   narrow screen the tab stands above the page instead, where it covers nothing.
// - The tab shows what `Server-Timing` says already; the rest is asked for when the sheet is opened.
// - Open or not, on which panel, and which panels are switched off is remembered in localStorage, where that is allowed; never in cookies.
// - Alt+Shift+L opens and closes; Escape closes. The focus goes back to where it came from.
// - HTML comes from our own server only, which has escaped it.
"use strict";
(() => {
  const STYLES = document.currentScript.src.replace(/\.js$/, ".css");
  const AT = document.currentScript.dataset.at ?? "";
  const REQUESTS = `${AT}/toolbar/requests`;
  const KEY = "larder.toolbar";
  const SHELL = `
    <button type="button" class="launcher" aria-expanded="false" aria-controls="sheet"
      aria-keyshortcuts="Alt+Shift+L" title="Debug toolbar (Alt+Shift+L)"></button>
    <aside id="sheet" class="sheet" aria-label="Debug toolbar" hidden>
      <div class="bar"><p><b>Larder</b> <span class="which"></span></p>
        <button type="button" class="own" hidden>This page’s request</button>
        <button type="button" class="close" aria-label="Close the debug toolbar" title="Close (Escape)">
          <svg viewBox="0 0 16 16" aria-hidden="true"><path d="m3 3 10 10M13 3 3 13"/></svg></button></div>
      <div class="content"></div>
      <details class="choose"><summary>Choose panels</summary><div class="boxes"></div></details>
      <p class="said" role="status"></p>
    </aside>`;

  const navigation = performance.getEntriesByType("navigation")[0];
  const timing = Object.fromEntries((navigation?.serverTiming ?? []).map((entry) => [entry.name, entry]));
  let own = timing.request?.description || "";
  let shown = "";
  let opener = null;
  let asked = 0; // the number of the latest question: older answers come too late
  let turnOfHistory = 0;
  let filter = []; // the fields by which the history is filtered
  const fetched = new Set(); // the requests that the page’s own script has made

  const host = document.createElement("larder-toolbar");
  const root = host.attachShadow({ mode: "open" });
  const one = (selector) => root.querySelector(selector);
  const all = (selector) => [...root.querySelectorAll(selector)];

  // What is remembered. Storage may be forbidden: then nothing is.
  function recall() {
    try { return JSON.parse(localStorage.getItem(KEY)) ?? {}; } catch { return {}; }
  }
  function remember(change) {
    try { localStorage.setItem(KEY, JSON.stringify({ ...recall(), ...change })); } catch { /* not allowed */ }
  }

  // What the server knows.
  async function ask(path, body) {
    const method = body ? "POST" : "GET";
    const answer = await fetch(path, { method, body, cache: "no-store", headers: { Accept: "text/html" } });
    if (answer.ok) return answer.text();
    const isGone = answer.status === 404;
    throw new Error(isGone ? "This request is no longer recorded, or the toolbar is off." : `The server responded with ${answer.status}.`);
  }
  function parse(html) {
    return element("template", { innerHTML: html }).content;
  }
  const element = (name, more) => Object.assign(document.createElement(name), more);
  const millis = (n) => `${n.toFixed(n < 1 ? 2 : n < 10 ? 1 : 0)} ms`;
  const say = (textContent) => Object.assign(one(".said"), { textContent });
  function complain(place, error) {
    const textContent = error instanceof TypeError ? "The server cannot be reached." : error.message;
    place.replaceChildren(element("p", { className: "failed", textContent }));
    say(textContent);
  }

  // Pages that are not served securely cannot read `Server-Timing`: the newest request of this address is taken.
  async function findOwn() {
    const rows = [...parse(await ask(REQUESTS)).querySelectorAll("[data-open]")];
    const isHere = (row) => row.dataset.path.split("?")[0] === location.pathname;
    return (rows.find(isHere) ?? rows[0])?.dataset.open ?? "";
  }

  async function show(id, focus) {
    const turn = ++asked;
    say("Loading");
    try {
      if (!own) own = await findOwn();
      id ||= own;
      const fragment = parse(await ask(`${REQUESTS}/${encodeURIComponent(id)}`));
      if (turn !== asked) return;
      shown = id;
      one(".content").replaceChildren(fragment);
      offer();
      one(".which").textContent = `request ${id}`;
      one(".own").hidden = id === own;
      // Only who bypasses the cache for another page wants to go there.
      const backs = all(id === own ? "[name=back]" : "[action$=purge] [name=back]");
      backs.forEach((back) => { back.value = location.pathname + location.search; });
      if (id === own) showBrowser();
      choose(recall().panel);
      const form = one("[data-filter]");
      if (form) for (const [name, value] of filter) form.elements[name].value = value;
      if (filter.length || fetched.size) refreshHistory();
      say("");
      const row = one(`#panel-history:not([hidden]) [data-open="${id}"]`);
      if (focus) (row ?? one("[role=tab][aria-selected=true]")).focus({ preventScroll: true });
      row?.scrollIntoView({ block: "nearest" });
      one(".content").scrollTop = 0;
    } catch (error) {
      if (turn === asked) complain(one(".content"), error);
    }
  }

  // Panels.
  const tabsShown = () => all("[role=tab]").filter((tab) => !isOff(tab));
  const nameOf = (tab) => tab.id.slice("tab-".length);
  const isOff = (tab) => (recall().off ?? []).includes(nameOf(tab));
  function choose(name, focus) {
    const tabs = all("[role=tab]");
    const chosen = tabsShown().find((tab) => nameOf(tab) === name) ?? tabsShown()[0];
    for (const tab of tabs) {
      tab.hidden = isOff(tab);
      tab.setAttribute("aria-selected", String(tab === chosen));
      tab.tabIndex = tab === chosen ? 0 : -1;
      root.getElementById(tab.getAttribute("aria-controls")).hidden = tab !== chosen;
    }
    if (focus) chosen?.focus();
    return chosen;
  }
  function pick(tab, focus) {
    const name = nameOf(tab);
    choose(name, focus);
    const [content, panels] = [one(".content"), one(".panels")];
    content.scrollTop = Math.min(content.scrollTop, panels.offsetTop - content.offsetTop);
    remember({ panel: name });
    if (name === "history") refreshHistory();
  }
  // Offers a box for each panel; the last one cannot be switched off.
  function offer() {
    const boxes = all("[role=tab]").map((tab) => {
      const box = element("input", { type: "checkbox", name: nameOf(tab), checked: !isOff(tab) });
      const label = element("label");
      label.append(box, ` ${tab.querySelector(".title").textContent}`);
      return label;
    });
    one(".boxes").replaceChildren(...boxes);
  }
  function switchPanel(box) {
    const off = all(".boxes input").filter(({ checked }) => !checked).map(({ name }) => name);
    if (off.length === all(".boxes input").length) box.checked = true;
    else remember({ off });
    choose(recall().panel);
  }
  async function refreshHistory() {
    const turn = ++turnOfHistory;
    try {
      const answer = await ask(`${REQUESTS}?${new URLSearchParams(filter)}`);
      if (turn !== turnOfHistory) return;
      const rows = parse(answer).querySelector("[data-history]");
      rows?.querySelector(`[data-open="${shown}"]`)?.setAttribute("aria-current", "true");
      for (const row of rows?.querySelectorAll("[data-open]") ?? []) {
        if (fetched.has(row.dataset.open)) row.querySelector(".figures").prepend("fetched by this page · ");
      }
      const place = one("[data-history]");
      if (rows && place && !place.contains(root.activeElement)) place.replaceWith(rows);
    } catch { /* the rows that are there stay */ }
  }

  // What the page's own script asks for appears in the history at once: W3C Resource Timing.
  function watchFetches() {
    new PerformanceObserver((list) => {
      const before = fetched.size;
      for (const { name: path, initiatorType, serverTiming } of list.getEntries()) {
        if (path === STYLES) continue;
        const id = (serverTiming ?? []).find(({ name }) => name === "request")?.description;
        if (id && ["fetch", "xmlhttprequest"].includes(initiatorType)) fetched.add(id);
      }
      if (fetched.size === before) return;
      label();
      if (one("#panel-history:not([hidden])")) refreshHistory();
    }).observe({ type: "resource", buffered: true });
  }

  // The browser's own times: W3C Navigation Timing.
  function showBrowser() {
    const [place, t] = [one("[data-browser]"), navigation];
    if (!place || !t) return;
    const end = t.loadEventEnd || t.domContentLoadedEventEnd || t.responseEnd || 1;
    const steps = [
      ["Redirects", t.redirectStart, t.redirectEnd],
      ["Connecting", t.domainLookupStart, t.connectEnd],
      ["Waiting for the response", t.requestStart, t.responseStart],
      ["Receiving", t.responseStart, t.responseEnd],
      ["DOM processing", t.responseEnd, t.domContentLoadedEventEnd],
      ["Subresources", t.domContentLoadedEventEnd, t.loadEventEnd],
    ].filter(([, from, to]) => to > from);
    const rows = steps.map(([name, from, to]) => {
      const [x, width] = [(from / end) * 1000, Math.max(6, ((to - from) / end) * 1000)];
      return `<tr><th scope="row">${name}</th><td class="wide"><svg class="line" viewBox="0 0 1000 8" preserveAspectRatio="none"
        aria-hidden="true"><rect class="s0" x="${Math.min(x, 994)}" width="${width}" height="8"/></svg></td>
        <td class="n">${millis(to - from)}</td></tr>`;
    });
    const paint = performance.getEntriesByName("first-contentful-paint")[0];
    const seen = paint ? `First contentful paint ${millis(paint.startTime)}. ` : "";
    place.replaceChildren(parse(`<table class="legend"><tbody>${rows.join("")}</tbody></table>
      <p class="aside">${seen}Transferred ${(t.transferSize / 1e3).toFixed(1)} kB.</p>`));
  }

  // Buttons.
  async function copy(button) {
    try {
      await navigator.clipboard.writeText(button.dataset.copy);
      say(button.textContent = "Copied");
    } catch {
      getSelection().selectAllChildren(button.closest("details").querySelector(".raw"));
      say("The browser does not let us copy: the key is selected.");
    }
  }
  async function explain(button) {
    const place = button.closest("li").querySelector("[data-plan]");
    try {
      const query = new URLSearchParams({ id: shown, n: button.dataset.explain });
      const path = `${AT}/toolbar/explain`;
      const runs = button.dataset.runs !== undefined;
      place.replaceChildren(parse(await (runs ? ask(path, query) : ask(`${path}?${query}`))));
    } catch (error) { complain(place, error); }
  }

  // Opening and closing.
  const isOpen = () => !one(".sheet").hidden;
  function open(focus) {
    if (focus) opener = document.activeElement === host ? null : document.activeElement;
    one(".sheet").hidden = false;
    one(".launcher").setAttribute("aria-expanded", "true");
    if (shown) choose(recall().panel, focus);
    else show(own, focus);
    if (focus && !shown) one(".close").focus();
  }
  function close() {
    const hadFocus = Boolean(root.activeElement);
    one(".sheet").hidden = true;
    one(".launcher").setAttribute("aria-expanded", "false");
    if (hadFocus) (opener?.isConnected && opener !== document.body ? opener : one(".launcher")).focus();
  }
  function toggle() {
    if (isOpen()) close(); else open(true);
    remember({ open: isOpen() });
  }

  function onClick({ target }) {
    const button = target.closest("button");
    if (!button) return;
    if (button.matches(".launcher, .close")) toggle();
    else if (button.matches(".own")) show(own, true);
    else if (button.matches("[role=tab]")) pick(button, true);
    else if (button.dataset.open) show(button.dataset.open, true);
    else if (button.dataset.copy !== undefined) copy(button);
    else if (button.dataset.explain) explain(button);
  }
  function onInput({ target }) {
    if (target.closest(".boxes")) return switchPanel(target);
    const form = target.closest("[data-filter]");
    if (!form) return;
    filter = [...new FormData(form)].filter(([, value]) => value);
    refreshHistory();
  }
  const STEPS = { ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1 };
  function onKey(event) {
    if (event.key === "Escape" && isOpen()) return toggle();
    if (!event.target.matches("[role=tab]") || event.altKey || event.ctrlKey || event.metaKey) return;
    const tabs = tabsShown();
    const place = { Home: 0, End: tabs.length - 1 }[event.key]
      ?? (STEPS[event.key] && (tabs.indexOf(event.target) + STEPS[event.key] + tabs.length) % tabs.length);
    if (place === undefined) return;
    event.preventDefault();
    pick(tabs[place], true);
  }
  function onShortcut(event) {
    if (!event.altKey || !event.shiftKey || event.ctrlKey || event.metaKey || event.code !== "KeyL") return;
    event.preventDefault();
    toggle();
  }

  // The tab says what is known at once: `HIT 0.2 ms`, `MISS 8.4 ms 2 queries`.
  function label() {
    const parts = [
      ["mark", timing.page?.description.toUpperCase() || "BYPASS"],
      ["figure", timing.total && millis(timing.total.duration)],
      ["figure", timing.sql?.description],
      ["figure", fetched.size && `+ ${fetched.size} fetched`],
      ["keys", "Alt+Shift+L"],
    ].filter(([, text]) => text);
    one(".launcher").replaceChildren(...parts.flatMap(([name, textContent]) =>
      [element("span", { className: name, textContent }), " "]));
    one(".launcher").dataset.outcome = (timing.page?.description ?? "").split(" ")[0].toLowerCase();
  }

  async function start() {
    root.append(parse(SHELL));
    const styles = new CSSStyleSheet();
    const answer = await fetch(STYLES);
    if (!answer.ok) return; // without its look it would only be in the way
    styles.replaceSync(await answer.text());
    const room = document.createElement("larder-toolbar-room");
    for (const each of [root, room.attachShadow({ mode: "open" })]) each.adoptedStyleSheets = [styles];
    label();
    root.addEventListener("click", onClick);
    root.addEventListener("keydown", onKey);
    root.addEventListener("input", onInput);
    root.addEventListener("submit", (event) => event.target.matches("[data-filter]") && event.preventDefault());
    document.addEventListener("keydown", onShortcut);
    addEventListener("load", () => setTimeout(() => shown && shown === own && showBrowser()));
    // A page that comes back from the browser's memory may have been left in another state.
    addEventListener("pageshow", ({ persisted }) => {
      if (persisted && Boolean(recall().open) !== isOpen()) (isOpen() ? close : open)();
    });
    document.body.prepend(host);
    document.body.append(room);
    watchFetches();
    if (recall().open) open(false);
  }
  start().catch(() => { /* the page is what matters */ });
})();
