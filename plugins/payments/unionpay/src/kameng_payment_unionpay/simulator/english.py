"""What the UnionPay cashier says beyond the common texts."""

ENGLISH = {
    "银联": "UnionPay",
    "银联模拟收银台": "UnionPay, simulated",
    "页面": "Page",
    "手机页面": "for phones",
    "电脑页面": "for computers",
    "付款截止": "Pay before",
    "北京时间": "Beijing time",
    "{n} 秒后付款": "Pays in {n} seconds",
    "可以先返回商家，时间到了会自动付款并通知商家。": (
        "You may go back to the shop: it pays by itself, and the shop is told."
    ),
    "现在就付": "Pay now",
    "多久以后付": "When",
    "订单已超时": "The order's time is over",
    "超过了商家给的付款时间，不能再付款。": (
        "The shop's time to pay is over. It can no longer be paid."
    ),
    "验证签名失败": "The signature is wrong",
    "商户状态不正确": "No such merchant",
    "重复交易": "The number was used before",
    "txnTime 无效": "The order's time is not now",
    "无法付款": "Cannot be paid",
    "{reason}。没有扣款，请回到商家页面重新下单。": (
        "{reason}. Nothing was charged. Go back to the shop and order again."
    ),
}
