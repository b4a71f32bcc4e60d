for (const pre of document.querySelectorAll("pre")) {
  const button = document.createElement("button");
  const { copy, copied } = document.body.dataset;
  button.type = "button";
  button.className = "copy";
  button.textContent = copy;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(pre.textContent);
    button.textContent = copied;
    setTimeout(() => (button.textContent = copy), 1500);
  });
  if (navigator.clipboard) pre.parentElement.prepend(button);
}
