"""What the epay cashier says beyond the common texts."""

ENGLISH = {
    "支付宝": "Alipay",
    "微信支付": "WeChat Pay",
    "QQ 钱包": "QQ Wallet",
    "云闪付": "UnionPay QuickPass",
}
