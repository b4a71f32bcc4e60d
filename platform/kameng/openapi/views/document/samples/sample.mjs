// Kameng open API in Node 18 or newer, nothing to install.
//   node sample.mjs                                      account, goods, an order, its result
//   node sample.mjs sign METHOD PATH TIME NONCE < body        the signature of a request
//   node sample.mjs webhook ID TIME SIGNATURES < body         is a message genuine?
// Settings: KAMENG_URL, KAMENG_KEY, KAMENG_SECRET, KAMENG_SKU; KAMENG_WEBHOOK_SECRET (whsec_…) for
// a registered endpoint, otherwise KAMENG_SECRET signs.
import { createHash, createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

const { KAMENG_URL = "", KAMENG_KEY = "", KAMENG_SECRET = "", KAMENG_SKU = "" } = process.env;
const DONE = ["delivered", "completed", "refunded"];

// Hex HMAC-SHA256 of five lines; `path` with its query, as it is sent.
function sign(method, path, timestamp, nonce, body) {
  const digest = createHash("sha256").update(body).digest("hex");
  const text = [method, path, timestamp, nonce, digest].join("\n");
  return createHmac("sha256", KAMENG_SECRET).update(text).digest("hex");
}

// Status and JSON. Without an answer it is sent again: the same number buys only once.
async function call(method, path, given) {
  const body = given === undefined ? "" : JSON.stringify(given);
  let status, answer;
  for (const wait of [1, 2, 4, 8, 0]) {
    [status, answer] = await attempt(method, path, body);
    if ((status && status < 500 && status !== 429) || !wait) break;
    await sleep(wait * 1000);
  }
  if (status !== 200 && status !== 201) throw new Error(`${method} ${path}: ${status} ${answer}`);
  return [status, JSON.parse(answer)];
}

// One request with time, nonce and signature of its own; status 0: no answer.
async function attempt(method, path, body) {
  const timestamp = String(Math.floor(Date.now() / 1000));
  const nonce = randomBytes(18).toString("base64url");
  const headers = {
    "Content-Type": "application/json",
    "Kameng-Key": KAMENG_KEY,
    "Kameng-Timestamp": timestamp,
    "Kameng-Nonce": nonce,
    "Kameng-Signature": sign(method, path, timestamp, nonce, body),
  };
  try {
    const signal = AbortSignal.timeout(30_000);
    const url = KAMENG_URL.replace(/\/$/, "") + path;
    const answer = await fetch(url, { method, headers, body: body || undefined, signal });
    return [answer.status, await answer.text()];
  } catch (problem) {
    return [0, String(problem)];
  }
}

// Whether a webhook was signed with our secret within the last five minutes.
function isGenuine(secret, id, timestamp, signatures, body) {
  const key = secret.startsWith("whsec_") ? Buffer.from(secret.slice(6), "base64") : secret;
  if (!/^\d+$/.test(timestamp) || Math.abs(Date.now() / 1000 - Number(timestamp)) > 300) return false;
  const hmac = createHmac("sha256", key).update(`${id}.${timestamp}.`).update(body);
  const wanted = Buffer.from("v1," + hmac.digest("base64"));
  return signatures.split(" ").some((one) => {
    const given = Buffer.from(one);
    return given.length === wanted.length && timingSafeEqual(given, wanted);
  });
}

// Account, goods, an order and what came of it.
async function trade() {
  const [, account] = await call("GET", "/api/v1/account");
  console.log("balance", account.balance, account.currency);
  const [, page] = await call("GET", "/api/v1/products?limit=20");
  console.log("products", page.items.length);
  const [, product] = await call("GET", `/api/v1/products/${encodeURIComponent(KAMENG_SKU)}`);
  console.log("price", product.price);
  const number = `N${Date.now()}${randomBytes(4).toString("hex")}`; // store it before you send it
  const wanted = { sku: product.sku, quantity: 1, merchant_order_no: number };
  let [status, order] = await call("POST", "/api/v1/orders", wanted);
  console.log("ordered", status, order.order_no, order.state);
  [status] = await call("POST", "/api/v1/orders", wanted);
  console.log("repeated", status);
  for (let turn = 0; turn < 20; turn++) {
    [, order] = await call("GET", `/api/v1/orders?merchant_order_no=${number}`);
    if (DONE.includes(order.state)) break;
    await sleep(3000);
  }
  console.log("result", order.state, order.cards.length, "cards");
}

const [command, ...words] = process.argv.slice(2);
if (command === "sign") {
  console.log(sign(...words, readFileSync(0)));
} else if (command === "webhook") {
  const secret = process.env.KAMENG_WEBHOOK_SECRET || KAMENG_SECRET;
  console.log(isGenuine(secret, ...words, readFileSync(0)) ? "genuine" : "forged");
} else {
  await trade();
}
