#!/usr/bin/env bash
# Kameng open API with bash, curl and openssl.
#   bash curl.sh                                      account, goods, an order, its result
#   bash curl.sh sign METHOD PATH TIME NONCE < body        the signature of a request
#   bash curl.sh webhook ID TIME SIGNATURES < body         is a message genuine?
# Settings: KAMENG_URL, KAMENG_KEY, KAMENG_SECRET, KAMENG_SKU; KAMENG_WEBHOOK_SECRET (whsec_…) for
# a registered endpoint, otherwise KAMENG_SECRET signs. For trials: openssl gets the secret as an
# argument, which others on the same machine can see.
set -euo pipefail

hex() { od -An -v -tx1 | tr -d ' \n'; }

# Hex HMAC-SHA256 of five lines; the path with its query, as it is sent. The body comes in.
sign() {
  local digest
  digest=$(openssl dgst -sha256 -binary | hex)
  printf '%s\n%s\n%s\n%s\n%s' "$1" "$2" "$3" "$4" "$digest" |
    openssl dgst -sha256 -mac HMAC -macopt "hexkey:$(printf %s "$KAMENG_SECRET" | hex)" -binary | hex
}

# One request with time, nonce and signature of its own: the answer, then its status in a line.
attempt() {
  local method=$1 path=$2 body=$3 timestamp nonce
  timestamp=$(date +%s)
  nonce=$(openssl rand -hex 16)
  curl --silent --show-error --max-time 30 --request "$method" \
    --header "Content-Type: application/json" \
    --header "Kameng-Key: $KAMENG_KEY" \
    --header "Kameng-Timestamp: $timestamp" \
    --header "Kameng-Nonce: $nonce" \
    --header "Kameng-Signature: $(printf %s "$body" | sign "$method" "$path" "$timestamp" "$nonce")" \
    ${body:+--data-binary "$body"} --write-out '\n%{http_code}' "${KAMENG_URL%/}$path"
}

# Sets `status` and `answer`. Without an answer it is sent again: the same number buys only once.
call() {
  local wait all
  for wait in 1 2 4 8 0; do
    all=$(attempt "$1" "$2" "${3:-}") || true
    status=${all##*$'\n'} answer=${all%$'\n'*}
    case $status in 429 | 5?? | 000) sleep "$wait" ;; *) break ;; esac
  done
  case $status in 200 | 201) ;; *) echo "$1 $2: $status $answer" >&2 && exit 1 ;; esac
}

# The first field of this name in the answer. Real programs read JSON with a JSON reader.
field() { grep -oE "\"$1\": ?(\"[^\"]*\"|[^,}]*)" <<<"$answer" | head -n 1 | sed -E 's/^[^:]*: ?"?//; s/"$//'; }

# Whether a webhook was signed with our secret within the last five minutes. The body comes in.
is_genuine() {
  local secret=$1 id=$2 timestamp=$3 signatures=$4 key age wanted one
  case $secret in
    whsec_*) key=$(printf %s "${secret#whsec_}" | openssl base64 -d -A | hex) ;;
    *) key=$(printf %s "$secret" | hex) ;;
  esac
  [[ $timestamp =~ ^[0-9]+$ ]] || return 1
  age=$(($(date +%s) - timestamp))
  ((age <= 300 && age >= -300)) || return 1
  wanted="v1,$({ printf '%s.%s.' "$id" "$timestamp" && cat; } |
    openssl dgst -sha256 -mac HMAC -macopt "hexkey:$key" -binary | openssl base64 -A)"
  for one in $signatures; do [[ $one == "$wanted" ]] && return 0; done
  return 1
}

# Account, goods, an order and what came of it.
trade() {
  local number wanted turn
  call GET /api/v1/account
  echo "balance $(field balance) $(field currency)"
  call GET "/api/v1/products?limit=20"
  echo "products $(grep -oE '"sku": ?"' <<<"$answer" | wc -l)"
  call GET "/api/v1/products/$KAMENG_SKU"
  echo "price $(field price)"
  number="C$(date +%Y%m%d%H%M%S)$(openssl rand -hex 4)" # store it before you send it
  wanted="{\"sku\":\"$KAMENG_SKU\",\"quantity\":1,\"merchant_order_no\":\"$number\"}"
  call POST /api/v1/orders "$wanted"
  echo "ordered $status $(field order_no) $(field state)"
  call POST /api/v1/orders "$wanted"
  echo "repeated $status"
  for ((turn = 0; turn < 20; turn++)); do
    call GET "/api/v1/orders?merchant_order_no=$number"
    case $(field state) in delivered | completed | refunded) break ;; esac
    sleep 3
  done
  echo "result $(field state) $(grep -oE '"code": ?"' <<<"$answer" | wc -l) cards"
}

case ${1:-} in
  sign) sign "$2" "$3" "$4" "$5" && echo ;;
  webhook)
    if is_genuine "${KAMENG_WEBHOOK_SECRET:-$KAMENG_SECRET}" "$2" "$3" "$4"; then echo genuine; else echo forged; fi
    ;;
  *) trade ;;
esac
