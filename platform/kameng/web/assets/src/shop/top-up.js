// Filling the wallet: a tile and a typed amount exclude each other, and the button says which it is.
const form = document.querySelector("[data-top-up]");

function refresh() {
  const label = form.querySelector("[data-top-up-label]");
  const tile = form.querySelector('input[name="amount"]:checked');
  const amount = Number(form.elements.other.value.trim() || (tile && tile.value));
  if (amount > 0) label.textContent = label.dataset.topUpLabel.replace("{x}", `¥${amount.toFixed(2)}`);
}

if (form) {
  form.addEventListener("input", (event) => {
    const { target } = event;
    if (target.name === "amount") form.elements.other.value = "";
    if (target.name === "other" && target.value.trim()) {
      form.querySelectorAll('input[name="amount"]').forEach((tile) => { tile.checked = false; });
    }
    refresh();
  });
  refresh();
}
