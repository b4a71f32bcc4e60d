// Confirmation, double-click safety, bulk selection and rows that can be added.
function busy(form, submitter) {
  form.dataset.sent = "1";
  const button = submitter || form.querySelector("button[type=submit], button:not([type])");
  if (!button) return;
  button.classList.add("is-busy");
  button.setAttribute("aria-disabled", "true");
}

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.method !== "post") return;
  if (form.dataset.sent) { event.preventDefault(); return; } // second click of the same send
  const ask = event.submitter?.dataset.confirm || form.dataset.confirm;
  if (ask && !window.confirm(ask)) { event.preventDefault(); return; }
  if (!form.hasAttribute("hx-post")) busy(form, event.submitter);
}, true);

// A page taken from the back-forward cache must not stay locked.
window.addEventListener("pageshow", (event) => {
  if (!event.persisted) return;
  document.querySelectorAll("form[data-sent]").forEach((form) => delete form.dataset.sent);
  document.querySelectorAll(".is-busy").forEach((node) => {
    node.classList.remove("is-busy");
    node.removeAttribute("aria-disabled");
  });
});

document.addEventListener("change", (event) => {
  if (event.target.matches("[data-autosubmit]")) event.target.form.requestSubmit();
  if (event.target.matches(".km-pick-all")) {
    document.querySelectorAll(".km-pick").forEach((box) => { box.checked = event.target.checked; });
  }
  if (event.target.matches(".km-pick, .km-pick-all")) showBulk();
});

function showBulk() {
  const bar = document.querySelector(".km-bulk");
  if (!bar) return;
  const chosen = document.querySelectorAll(".km-pick:checked").length;
  bar.classList.toggle("is-open", chosen > 0);
  bar.querySelector("[data-bulk-count]").textContent = String(chosen);
  const sum = bar.querySelector("[data-bulk-sum]");
  if (!sum) return;
  const units = [...document.querySelectorAll(".km-pick:checked")].reduce((all, box) => all + Number(box.dataset.amount), 0);
  sum.textContent = `¥${(units / 10000).toLocaleString("en-US", { minimumFractionDigits: 2, maximumFractionDigits: 2 })}`;
}

document.addEventListener("click", (event) => {
  if (event.target.closest("[data-bulk-clear]")) {
    document.querySelectorAll(".km-pick, .km-pick-all").forEach((box) => { box.checked = false; });
    showBulk();
  }
  const adder = event.target.closest("[data-add-row]");
  if (adder) addRow(document.getElementById(adder.dataset.addRow));
  const remover = event.target.closest("[data-remove-row]");
  if (remover) remover.closest("tr").remove();
});

function addRow(template) {
  const body = document.getElementById(template.dataset.into);
  const number = Number(body.dataset.next || body.children.length);
  body.dataset.next = String(number + 1);
  const row = document.importNode(template.content, true);
  row.querySelectorAll("[name], [id], [for]").forEach((node) => {
    for (const name of ["name", "id", "for"]) {
      const value = node.getAttribute(name);
      if (value) node.setAttribute(name, value.replace("__n__", String(number)));
    }
  });
  body.append(row);
}
