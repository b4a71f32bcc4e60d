"""What the WeChat Pay cashier says beyond the common texts."""

ENGLISH = {
    "模拟微信支付": "Simulated WeChat Pay",
    "微信扫码": "WeChat, by scanning",
    "手机网页": "WeChat, from a phone's browser",
    "微信里": "Inside WeChat",
    "该订单已支付": "The order is paid already",
    "可以关闭这个页面，回到商家的页面。": "You may close this page and go back to the shop's.",
    "订单不存在": "There is no such order",
    "支付验证签名失败": "The arguments are not signed by the shop",
}
