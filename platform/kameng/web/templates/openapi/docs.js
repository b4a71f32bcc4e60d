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

if (matchMedia("(max-width: 959px)").matches) document.querySelector(".side details").open = false;
