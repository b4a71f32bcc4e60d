// Menus are <details class="km-menu">: only closing them from outside needs a script.
function closeAll(except) {
  document.querySelectorAll("details.km-menu[open]").forEach((menu) => {
    if (menu !== except && !menu.contains(except)) menu.open = false;
  });
}

document.addEventListener("click", (event) => {
  closeAll(event.target.closest("details.km-menu"));
  const side = document.querySelector(".km-side");
  const opener = event.target.closest("[data-open-side]");
  if (opener) {
    const open = side.classList.toggle("is-open");
    opener.setAttribute("aria-expanded", String(open));
  } else if (side && side.classList.contains("is-open") && !side.contains(event.target)) {
    side.classList.remove("is-open");
  }
  const finder = event.target.closest("[data-open-search]");
  if (finder) {
    const form = finder.closest(".km-search");
    form.classList.add("is-open");
    form.querySelector("input").focus();
  }
  const copy = event.target.closest("[data-copy]");
  if (copy) copyText(copy);
});

function copyText(button) {
  navigator.clipboard.writeText(button.dataset.copy).then(() => {
    const label = button.getAttribute("aria-label");
    button.setAttribute("aria-label", button.dataset.copied || label);
    button.classList.add("km-ok");
    setTimeout(() => { button.setAttribute("aria-label", label); button.classList.remove("km-ok"); }, 1600);
  });
}

// Wide tables scroll sideways: then, and only then, the keyboard must reach them.
function markScrollable() {
  document.querySelectorAll(".km-scroll").forEach((box) => {
    if (box.scrollWidth > box.clientWidth) box.tabIndex = 0;
    else box.removeAttribute("tabindex");
  });
}
markScrollable();
addEventListener("resize", markScrollable);
document.addEventListener("htmx:afterSettle", markScrollable);

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  const open = document.querySelector("details.km-menu[open]");
  if (open) { open.open = false; open.querySelector("summary").focus(); }
  document.querySelector(".km-search.is-open")?.classList.remove("is-open");
  document.querySelector(".km-side.is-open")?.classList.remove("is-open");
});
