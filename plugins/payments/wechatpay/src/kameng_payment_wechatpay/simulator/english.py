"""What the WeChat Pay cashier says beyond the common texts."""

ENGLISH = {
    "模拟微信支付": "Simulated WeChat Pay",
    "微信扫码": "WeChat, by scanning",
    "手机网页": "WeChat, from a phone's browser",
    "微信里": "Inside WeChat",
    "该订单已支付": "The order is paid already",
    "商家关闭了这笔订单，不能再付款。": "The shop has closed this order. It can no longer be paid.",
    "{n} 秒后付款": "Pays in {n} seconds",
    "可以先返回商家，时间到了会自动付款并通知商家。": (
        "You may go back to the shop: it pays by itself, and the shop is told."
    ),
    "现在就付": "Pay now",
    "多久以后付": "When",
    "可以关闭这个页面，回到商家的页面。": "You may close this page and go back to the shop's.",
    "无法付款": "Cannot be paid",
    "{reason}。没有扣款，请回到商家页面重新下单。": (
        "{reason}. Nothing was charged. Go back to the shop and order again."
    ),
    "订单不存在": "There is no such order",
    "支付验证签名失败": "The arguments are not signed by the shop",
}
