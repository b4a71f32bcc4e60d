"""What the Stripe cashier says beyond the common texts."""

ENGLISH = {
    "模拟 Stripe 收银台": "Simulated Stripe cashier",
    "银行卡（测试）": "Card (test)",
    "付款页已关闭": "This page is closed",
    "商家关闭了这笔付款，或者时间已过。没有扣款。": (
        "The shop has closed this payment, or its time is over. Nothing was charged."
    ),
    "{n} 秒后到账": "Arrives in {n} seconds",
    "等待到账": "On its way",
    "可以先返回商家，时间到了会自动到账并通知商家。": (
        "You may go back to the shop: the money arrives by itself, and the shop is told."
    ),
    "现在就到账": "Let it arrive now",
    "多久以后到账": "When",
    "不付了，返回商家": "Do not pay, back to the shop",
}
