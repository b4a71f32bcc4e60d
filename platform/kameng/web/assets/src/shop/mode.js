// Light, dark or as the system says. The server applies the cookie; this only saves a round trip.
const root = document.documentElement;
const media = window.matchMedia("(prefers-color-scheme: dark)");

function apply(mode) {
  root.dataset.mode = mode;
  root.dataset.bsTheme = mode === "auto" ? (media.matches ? "dark" : "light") : mode;
}

if (media.addEventListener) {
  media.addEventListener("change", () => root.dataset.mode === "auto" && apply("auto"));
}

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!form.matches("[data-mode-form]")) return;
  event.preventDefault();
  const next = root.dataset.bsTheme === "dark" ? "light" : "dark";
  form.elements.mode.value = next;
  apply(next);
  fetch(form.action, { method: "POST", body: new FormData(form), credentials: "same-origin" });
});
