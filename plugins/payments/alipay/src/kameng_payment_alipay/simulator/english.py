"""What the Alipay cashier says beyond the common texts."""

ENGLISH = {
    "模拟支付宝收银台": "Simulated Alipay cashier",
    "电脑网站支付": "Alipay, website",
    "手机网站支付": "Alipay, mobile website",
    "扫码支付": "Alipay, QR code",
    "商家关闭了这笔订单，或者时间已过。没有扣款。": (
        "The shop has closed this order, or its time is over. Nothing was charged."
    ),
    "交易已被支付": "The order is paid already",
    "交易已经关闭": "The order is closed",
    "交易状态不合法": "The order is paid already",
    "交易信息被篡改": "The order is not the same as before",
    "无效签名": "Wrong signature",
    "无效的签名类型": "Unknown kind of signature",
    "无效的AppID参数": "Unknown application",
    "非法的时间戳参数": "The request is too old",
}
