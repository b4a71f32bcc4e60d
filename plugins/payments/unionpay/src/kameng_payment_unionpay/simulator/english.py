"""What the UnionPay cashier says beyond the common texts."""

ENGLISH = {
    "银联": "UnionPay",
    "银联模拟收银台": "UnionPay, simulated",
    "页面": "Page",
    "手机页面": "for phones",
    "电脑页面": "for computers",
    "付款截止": "Pay before",
    "北京时间": "Beijing time",
    "订单已超时": "The order's time is over",
    "超过了商家给的付款时间，不能再付款。": (
        "The shop's time to pay is over. It can no longer be paid."
    ),
    "验证签名失败": "The signature is wrong",
    "商户状态不正确": "No such merchant",
    "重复交易": "The number was used before",
    "txnTime 无效": "The order's time is not now",
}
