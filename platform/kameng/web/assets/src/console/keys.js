// Ctrl K or / jumps to the search box.
function typing(target) {
  return target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName);
}

document.addEventListener("keydown", (event) => {
  const hotkey = (event.key === "k" || event.key === "K") && (event.ctrlKey || event.metaKey);
  const slash = event.key === "/" && !event.ctrlKey && !event.metaKey && !typing(event.target);
  if (!hotkey && !slash) return;
  const input = document.querySelector(".km-search input");
  if (!input) return;
  event.preventDefault();
  input.closest(".km-search").classList.add("is-open");
  input.focus();
  input.select();
});
