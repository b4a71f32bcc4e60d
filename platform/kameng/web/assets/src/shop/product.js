// Product page: choice of SKU and quantity change price, saving and button at once.
// Amounts are integers at scale 4, as on the server.
const form = document.querySelector("[data-product]");

function amount(value, places = 2) {
  const fen = Math.floor((value + 50) / 100);
  const [whole, rest] = [Math.floor(fen / 100), String(fen % 100).padStart(2, "0")];
  return [whole.toLocaleString("en-US"), rest, places];
}
const plain = (value) => `¥${amount(value).slice(0, 2).join(".")}`;
function money(node, value) {
  const [whole, rest] = amount(value);
  node.innerHTML = `<span class="y">¥</span>${whole}<span class="d">.${rest}</span>`;
}

function chosen() {
  return form.querySelector('input[name="sku"]:checked');
}

function bounds(sku) {
  const stock = sku.dataset.stock === "" ? Infinity : Number(sku.dataset.stock);
  return [Number(sku.dataset.min), Math.max(1, Math.min(Number(sku.dataset.max), stock))];
}

function each(name, act) {
  form.querySelectorAll(`[data-out="${name}"]`).forEach(act);
}

function refresh() {
  const sku = chosen();
  if (!sku) return;
  const input = form.elements.quantity;
  const [low, high] = bounds(sku);
  const count = Math.min(high, Math.max(low, Math.floor(Number(input.value)) || low));
  input.min = low; input.max = high;
  const price = Number(sku.dataset.price) * count;
  const payable = Math.floor((price + 50) / 100) * 100; // whole fen, half up, as the order
  const face = Number(sku.dataset.face) * count;
  const saved = face > payable ? face - payable : 0;
  each("total", (node) => money(node.querySelector(".km-money") || node, payable));
  each("face", (node) => { node.textContent = plain(face || payable); });
  each("unit", (node) => { node.textContent = plain(Number(sku.dataset.price)); });
  each("count", (node) => { node.textContent = `× ${count}`; });
  each("saved", (node) => { node.textContent = saved ? `−${plain(saved)}` : ""; });
  each("has-saving", (node) => { node.hidden = !saved; });
  each("note", (node) => {
    node.textContent = saved ? node.dataset.saved.replace("{x}", plain(saved)) : `${count} × ${sku.dataset.name}`;
  });
  each("stock", (node) => { node.textContent = sku.dataset.stockText || ""; });
  form.querySelectorAll("[data-step]").forEach((button) => {
    const next = count + Number(button.dataset.step);
    button.disabled = next < low || next > high;
  });
}

function step(button) {
  const input = form.elements.quantity;
  const [low, high] = bounds(chosen());
  const next = (Math.floor(Number(input.value)) || low) + Number(button.dataset.step);
  input.value = Math.min(high, Math.max(low, next));
  refresh();
}

if (form) {
  form.addEventListener("change", (event) => {
    const input = form.elements.quantity;
    if (event.target.name === "sku" || event.target === input) {
      const [low, high] = bounds(chosen());
      input.value = Math.min(high, Math.max(low, Math.floor(Number(input.value)) || low));
    }
    refresh();
  });
  form.addEventListener("input", refresh);
  form.addEventListener("click", (event) => {
    const button = event.target.closest("[data-step]");
    if (button) step(button);
  });
  refresh();
}

// Checkout: the button says how and how much.
const pay = document.querySelector("[data-pay-label]");
if (pay) {
  const name = () => {
    const radio = document.querySelector('input[name="method"]:checked');
    if (radio) pay.textContent = pay.dataset.payLabel.replace("{method}", radio.dataset.verb);
  };
  document.addEventListener("change", (event) => event.target.name === "method" && name());
  name();
}
