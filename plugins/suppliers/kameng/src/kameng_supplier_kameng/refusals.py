"""The words of the native API for no, each with its one number; the status is its first digits."""

# At the door: nobody has looked at what was asked. `nonce_used` is not among them: something on
# the way may have sent our request twice, and the first of the two may have bought.
DOOR = {
    "key_missing": 40101, "key_unknown": 40102, "timestamp_invalid": 40103, "nonce_invalid": 40104,
    "signature_invalid": 40106, "ip_refused": 40301, "scope_missing": 40302, "member_locked": 40303,
    "dialect_off": 40304, "dialect_wrong": 40305,
}  # fmt: skip
# Of an order: a refusal leaves nothing behind. `conflict` is not among them: our number has bought.
ORDER = {
    "json_invalid": 40001, "duplicate_parameter": 40002, "unknown_field": 40003,
    "field_invalid": 40004, "field_missing": 40005, "notify_url_invalid": 40008,
    "insufficient_balance": 40201, "risk_blocked": 40306, "sku_unknown": 40403,
    "not_on_sale": 40902, "out_of_stock": 40903, "max_total_exceeded": 40904,
    "station_closed": 40905, "too_large": 41301, "quantity_invalid": 42201,
    "inputs_invalid": 42202,
}  # fmt: skip
CONFLICT, TOO_MANY, ORDER_UNKNOWN, NONCE_USED = (
    "conflict",
    "too_many",
    "order_unknown",
    "nonce_used",
)
REFUND_NO, REFUND_OPEN = "refund_not_possible", "refund_request_open"
OTHERS = {
    CONFLICT: 40901, TOO_MANY: 42901, ORDER_UNKNOWN: 40402, NONCE_USED: 40105,
    REFUND_NO: 40906, REFUND_OPEN: 40907,
}  # fmt: skip
NUMBERS = DOOR | ORDER | OTHERS
