// Forms: nothing is sent twice, and what is wrong is said while it is typed.
const before = new Map(); // what a button said before it was busy

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (event.defaultPrevented || form.matches("[data-mode-form]")) return;
  if (form.dataset.confirm && !form.dataset.sent && !window.confirm(form.dataset.confirm)) return event.preventDefault();
  if (form.dataset.sent) return event.preventDefault();
  const button = event.submitter || form.querySelector("[data-busy]");
  if (!button || !button.dataset.busy) return;
  form.dataset.sent = "1";
  button.style.width = `${button.offsetWidth}px`; // set by script, which the CSP allows
  button.classList.add("is-busy");
  before.set(button, [...button.childNodes]);
  button.innerHTML = '<span class="km-spin" aria-hidden="true"></span>';
  button.append(` ${button.dataset.busy}`);
});

// The page may come back from the browser's cache, still marked as sent. Loading it anew would
// ask to send its own form again, so only the marks are taken off.
window.addEventListener("pageshow", (event) => {
  if (!event.persisted) return;
  document.querySelectorAll("form[data-sent]").forEach((form) => delete form.dataset.sent);
  document.querySelectorAll(".km-btn.is-busy").forEach((button) => {
    button.classList.remove("is-busy");
    button.style.width = "";
    if (before.has(button)) button.replaceChildren(...before.get(button));
  });
});

const digits = (value) => value.replace(/\D/g, "");

function judge(input) {
  const value = input.value.trim();
  const text = input.dataset;
  if (!value) return ["", ""];
  if (text.check === "phone") {
    const given = digits(value);
    const missing = 11 - given.length;
    if (missing > 0) return ["bad", text.short.replace("{n}", missing)];
    if (missing < 0) return ["bad", text.long.replace("{n}", -missing)];
    return /^1[3-9]/.test(given) ? ["ok", text.good] : ["bad", text.wrong];
  }
  if (input.validity.valid) return ["ok", text.good];
  return ["bad", text.wrong];
}

function show(input) {
  const hint = document.getElementById(input.dataset.hint);
  if (!hint) return;
  const [state, message] = judge(input);
  hint.className = `km-hint km-judged ${state ? `is-${state}` : ""}`;
  hint.querySelector("span").textContent = message || "";
  if (state === "bad") input.setAttribute("aria-invalid", "true");
  else input.removeAttribute("aria-invalid");
}

function group(input) {
  // 138 0013 6021: the caret stays behind the same digit.
  if (input.dataset.check !== "phone") return;
  const before = digits(input.value.slice(0, input.selectionStart)).length;
  const all = digits(input.value).slice(0, 15);
  const text = [all.slice(0, 3), all.slice(3, 7), all.slice(7)].filter(Boolean).join(" ");
  if (text === input.value) return;
  input.value = text;
  let at = 0;
  for (let seen = 0; at < text.length && seen < before; at += 1) if (/\d/.test(text[at])) seen += 1;
  input.setSelectionRange(at, at);
}

document.addEventListener("input", (event) => {
  const input = event.target;
  if (!input.dataset || !input.dataset.check) return;
  group(input);
  if (judge(input)[0] !== "bad" || input.getAttribute("aria-invalid")) show(input);
});
document.addEventListener("focusout", (event) => {
  if (event.target.dataset && event.target.dataset.check && event.target.value) show(event.target);
});
