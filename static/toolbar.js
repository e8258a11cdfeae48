// The debug toolbar: finds its request in Server-Timing and shows what is known of it.
const navigation = performance.getEntriesByType("navigation")[0];
const entry = navigation?.serverTiming.find((timing) => timing.name === "request");
if (entry) {
  const host = document.createElement("larder-toolbar");
  const root = host.attachShadow({ mode: "open" });
  const shown = await_fragment(entry.description);
  shown.then((fragment) => { root.innerHTML = fragment; document.documentElement.append(host); });
}
async function await_fragment(id) {
  const response = await fetch(`/toolbar/requests/${id}`);
  return response.ok ? response.text() : "";
}
