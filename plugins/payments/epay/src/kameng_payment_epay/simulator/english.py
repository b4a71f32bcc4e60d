"""What the epay cashier says beyond the common texts."""

ENGLISH = {
    "支付宝": "Alipay",
    "微信支付": "WeChat Pay",
    "QQ 钱包": "QQ Wallet",
    "云闪付": "UnionPay QuickPass",
    "商家关闭了这笔订单，不能再付款。": "The shop has closed this order. It can no longer be paid.",
    "{n} 秒后付款": "Pays in {n} seconds",
    "可以先返回商家，时间到了会自动付款并通知商家。": (
        "You may go back to the shop: it pays by itself, and the shop is told."
    ),
    "现在就付": "Pay now",
    "多久以后付": "When",
    "无法付款": "Cannot be paid",
    "{reason}。没有扣款，请回到商家页面重新下单。": (
        "{reason}. Nothing was charged. Go back to the shop and order again."
    ),
}
