// Between shop and gateway: send the form on by itself, or ask WeChat to pay.
const form = document.querySelector("form[data-go]");
// Coming back from the gateway must not send the shopper there again.
if (form && !(performance.getEntriesByType("navigation")[0]?.type === "back_forward")) form.submit();

const button = document.querySelector("[data-bridge]");

function say(text) {
  document.querySelector("[data-bridge-text]").textContent = text;
}

function pay() {
  say(button.dataset.waiting);
  window.WeixinJSBridge.invoke("getBrandWCPayRequest", JSON.parse(button.dataset.bridge), (answer) => {
    const said = String(answer.err_msg).split(":").pop();
    // "ok" is no proof: the page that waits asks the gateway.
    if (said === "ok") location.replace(button.dataset.home);
    else say(said === "cancel" ? button.dataset.stopped : button.dataset.failed);
  });
}

if (button) {
  button.addEventListener("click", () => (window.WeixinJSBridge ? pay() : say(button.dataset.absent)));
  if (window.WeixinJSBridge) pay();
  else {
    document.addEventListener("WeixinJSBridgeReady", pay, { once: true });
    setTimeout(() => { if (!window.WeixinJSBridge) say(button.dataset.absent); }, 3000);
  }
}
