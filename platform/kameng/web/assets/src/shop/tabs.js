// Tabs scroll sideways on phones: the chosen one is brought into view.
document.querySelectorAll(".km-tabs").forEach((tabs) => {
  const chosen = tabs.querySelector("[aria-current]");
  if (!chosen) return;
  const hidden = chosen.getBoundingClientRect().right - tabs.getBoundingClientRect().right;
  if (hidden > 0) tabs.scrollLeft = hidden + 16;
});
