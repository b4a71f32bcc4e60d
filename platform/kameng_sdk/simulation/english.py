"""What simulators' pages say to browsers that do not read Chinese. The Chinese text is the key."""

ENGLISH = {
    "模拟收银台": "Simulated cashier",
    "这是模拟收银台，不会真的扣钱": "This cashier is simulated: nobody is charged",
    "供「{operator}」试用和测试，每个按钮都走真实的支付协议。": (
        "For trying and testing {operator}. Every button speaks the gateway's real protocol."
    ),
    "付款": "Pay",
    "付款 ¥{amount}": "Pay ¥{amount}",
    "付款方式": "Method",
    "商户单号": "Merchant's number",
    "交易号": "Transaction",
    "{problem}，没有再次扣款。": "{problem}. Nothing was charged again.",
    "已付款": "Paid",
    "已付款 {n} 次": "Paid {n} times",
    "商家会收到通知。": "The shop will be told.",
    "多付的部分由商家退回。": "What was paid too much is given back by the shop.",
    "返回商家": "Back to the shop",
    "付款被拒绝": "Payment refused",
    "没有扣款。可以返回商家，也可以再付一次。": (
        "Nothing was charged. Go back to the shop, or pay again."
    ),
    "试试别的情况": "Try something else",
    "拒绝付款": "Refuse",
    "付两次（共 2 笔，各 ¥{amount}）": "Pay twice (2 payments of ¥{amount})",
    "20 秒后": "in 20 seconds",
    "2 分钟后": "in 2 minutes",
    "16 分钟后（订单已过期）": "in 16 minutes (the order has expired)",
    "晚点付款": "Pay later",
    "订单已支付": "The order is paid already",
    "已经付过款": "It is paid already",
    "订单已关闭": "The order is closed",
    "付款页已过期": "This page has expired",
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
    "模拟供应商": "Simulated supplier",
    "这是模拟供应商，货和卡密都是假的": "This supplier is simulated: no goods and no card is real",
    "供「{operator}」试用和测试，走真实的供货协议。": (
        "For trying and testing {operator}. It speaks the supplier's real protocol."
    ),
    "余额 {amount}": "Balance {amount}",
    "商品": "Goods",
    "不限": "no limit",
    "剩 {n}": "{n} left",
    "已下架": "off sale",
    "最近订单": "Last orders",
    "还没有订单": "No orders yet",
    "模拟设置": "Levers",
    "lie_ 开头的是出错的百分比。": "Those with lie_ are percentages of what goes wrong.",
    "保存": "Save",
}
