// Order pages: count-down against the server's clock, copy buttons, a tidy address bar.
const drift = () => {
  const node = document.querySelector("[data-server-now]");
  return node ? Number(node.dataset.serverNow) * 1000 - Date.now() : 0;
};
const offset = drift();

function tick() {
  let running = false;
  document.querySelectorAll("[data-deadline]").forEach((node) => {
    const left = Math.max(0, Math.floor((Number(node.dataset.deadline) * 1000 - Date.now() - offset) / 1000));
    const [hours, minutes] = [Math.floor(left / 3600), Math.floor(left / 60) % 60];
    node.textContent = `${hours ? `${hours}:` : ""}${String(minutes).padStart(2, "0")}:${String(left % 60).padStart(2, "0")}`;
    if (left > 0) running = true;
    else if (node.dataset.ended === undefined) {
      node.dataset.ended = "";
      if (node.dataset.reload !== undefined) setTimeout(() => location.reload(), 1500);
    }
  });
  if (running) setTimeout(tick, 1000);
}
if (document.querySelector("[data-deadline]")) tick();

async function copy(text) {
  if (navigator.clipboard && window.isSecureContext) return navigator.clipboard.writeText(text);
  // Old in-app browsers know only this.
  const area = document.createElement("textarea");
  area.value = text;
  area.setAttribute("readonly", "");
  document.body.append(area);
  area.select();
  const done = document.execCommand("copy");
  area.remove();
  if (!done) throw new Error("copy refused");
}

let said = 0;
function say(button, text) {
  const label = button.querySelector("[data-label]");
  const live = document.getElementById("km-live");
  live.textContent = text;
  live.className = label ? "visually-hidden" : "km-toast";
  clearTimeout(said);
  said = setTimeout(() => { live.textContent = ""; live.className = "visually-hidden"; }, 1600);
  if (!label) {
    button.setAttribute("data-copied", "");
    return setTimeout(() => button.removeAttribute("data-copied"), 1600);
  }
  if (button.classList.contains("is-said")) return undefined;
  const before = label.textContent;
  button.style.width = `${button.offsetWidth}px`; // the code beside it must not wrap anew
  button.classList.add("is-said");
  label.textContent = text;
  return setTimeout(() => {
    label.textContent = before;
    button.classList.remove("is-said");
    button.style.width = "";
  }, 1600);
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  event.preventDefault();
  const words = document.body.dataset;
  copy(button.dataset.copy).then(() => say(button, words.copied), () => say(button, words.copyFailed));
});

// The look-up secret came in the address; the cookie keeps it now.
if (document.querySelector("[data-tidy-address]") && navigator.cookieEnabled) {
  history.replaceState(null, "", location.pathname);
}
