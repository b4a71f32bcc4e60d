"""Texts of e-mails. Both languages stand here, for mails are written without a visitor's locale.

A mail never carries a card, a look-up secret or a password: it says where to look.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

Kind = Literal[
    "order.delivered", "order.part", "order.short", "order.refunding", "order.refunded",
    "station.approved", "station.rejected", "ledger.head", "supplier.approved",
    "supplier.refused", "supplier.paper", "supplier.dispute",
]  # fmt: skip
Locale = Literal["zh_Hans_CN", "en"]

TEXTS: Mapping[Kind, Mapping[Locale, tuple[str, str]]] = {
    "order.delivered": {
        "zh_Hans_CN": (
            "{station}：订单 {order_no} 已发货",
            "您好！\n\n您购买的「{product}」（订单号 {order_no}）已发货。\n"
            "为了安全，邮件里不含卡密。请打开下面的页面，用订单号和查询码查看：\n{link}\n\n"
            "请不要把卡密或查询码告诉任何人。\n{station}",
        ),
        "en": (
            "{station}: order {order_no} has been delivered",
            "Hello,\n\nyour purchase “{product}” (order {order_no}) has been delivered.\n"
            "For your safety this mail does not contain the code. Open the page below and look it "
            "up with your order number and look-up secret:\n{link}\n\n"
            "Never pass on the code or the secret.\n{station}",
        ),
    },
    "order.part": {
        "zh_Hans_CN": (
            "{station}：订单 {order_no} 先发出了一部分",
            "您好！\n\n您购买的「{product}」（订单号 {order_no}）共 {quantity} 件，"
            "已发出 {came} 件，其余的正在补发；补不上的部分会原路退款。\n"
            "请打开下面的页面，用订单号和查询码查看：\n{link}\n\n"
            "请不要把卡密或查询码告诉任何人。\n{station}",
        ),
        "en": (
            "{station}: part of order {order_no} has been delivered",
            "Hello,\n\n{came} of {quantity} pieces of your purchase “{product}” (order {order_no}) "
            "have been delivered. The rest is being fetched; what cannot be had is paid back.\n"
            "Look it up with your order number and look-up secret:\n{link}\n\n"
            "Never pass on the code or the secret.\n{station}",
        ),
    },
    "order.short": {
        "zh_Hans_CN": (
            "{station}：订单 {order_no} 已发货，有 {short} 件退款",
            "您好！\n\n您购买的「{product}」（订单号 {order_no}）已发出 {came} 件。\n"
            "很抱歉，另外 {short} 件没能发出，对应的 ¥{refunded} 将按原路退回，"
            "到账时间取决于支付渠道。\n"
            "请打开下面的页面，用订单号和查询码查看：\n{link}\n\n"
            "请不要把卡密或查询码告诉任何人。\n{station}",
        ),
        "en": (
            "{station}: order {order_no} has been delivered, {short} of its pieces are paid back",
            "Hello,\n\n{came} pieces of your purchase “{product}” (order {order_no}) have been "
            "delivered.\nWe are sorry: {short} could not be delivered. ¥{refunded} goes back the "
            "way it was paid; how long that takes depends on the payment method.\n"
            "Look it up with your order number and look-up secret:\n{link}\n\n"
            "Never pass on the code or the secret.\n{station}",
        ),
    },
    "order.refunding": {
        "zh_Hans_CN": (
            "{station}：订单 {order_no} 正在退款",
            "您好！\n\n很抱歉，订单 {order_no}（{product}）没有完成。\n"
            "您支付的 ¥{amount} 将按原路全额退回，到账时间取决于支付渠道。\n"
            "进度可在这里查看：\n{link}\n\n{station}",
        ),
        "en": (
            "{station}: order {order_no} is being refunded",
            "Hello,\n\nwe are sorry: order {order_no} ({product}) could not be completed.\n"
            "The full amount of ¥{amount} goes back the way it was paid; how long that takes "
            "depends on the payment method.\nFollow it here:\n{link}\n\n{station}",
        ),
    },
    "order.refunded": {
        "zh_Hans_CN": (
            "{station}：订单 {order_no} 已退款",
            "您好！\n\n订单 {order_no}（{product}）的 ¥{amount} 已按原路全额退回。\n"
            "订单详情：\n{link}\n\n{station}",
        ),
        "en": (
            "{station}: order {order_no} has been refunded",
            "Hello,\n\nthe full amount of ¥{amount} for order {order_no} ({product}) has been "
            "returned the way it was paid.\nDetails:\n{link}\n\n{station}",
        ),
    },
    "station.approved": {
        "zh_Hans_CN": (
            "分站「{station}」已开通",
            "您好！\n\n您申请的分站「{station}」已通过审核并开通：\n{link}\n\n"
            "请用申请时填写的账号 {login} 登录分站后台：\n{console}\n首次登录需要绑定动态验证码。",
        ),
        "en": (
            "Your station “{station}” is open",
            "Hello,\n\nyour application has been approved and “{station}” is open:\n{link}\n\n"
            "Sign in to its console with the login {login} of your application:\n{console}\n"
            "The first login asks you to set up one-time codes.",
        ),
    },
    "station.rejected": {
        "zh_Hans_CN": (
            "分站「{station}」的申请未通过",
            "您好！\n\n您申请的分站「{station}」未通过审核。\n原因：{reason}\n\n"
            "您可以修改后重新提交：\n{link}",
        ),
        "en": (
            "Your application for “{station}” was not approved",
            "Hello,\n\nyour application for the station “{station}” was not approved.\n"
            "Reason: {reason}\n\nYou may change it and apply again:\n{link}",
        ),
    },
    "supplier.approved": {
        "zh_Hans_CN": (
            "供应商「{supplier}」的门户账号",
            "您好！\n\n「{supplier}」的供应商门户账号是 {login}。\n"
            "请在 7 天内打开下面的链接设置密码，链接只能用一次：\n{link}\n\n"
            "首次登录需要绑定动态验证码。请不要把链接转发给别人。",
        ),
        "en": (
            "Portal account of supplier “{supplier}”",
            "Hello,\n\nthe portal account of “{supplier}” is {login}.\nOpen the link below within "
            "7 days and set a password; it works once:\n{link}\n\n"
            "The first sign-in asks you to set up one-time codes. Do not pass the link on.",
        ),
    },
    "supplier.refused": {
        "zh_Hans_CN": (
            "供应商「{supplier}」的申请未通过",
            "您好！\n\n「{supplier}」的供应商申请未通过审核。\n原因：{reason}\n\n"
            "您可以补齐材料后重新申请：\n{link}",
        ),
        "en": (
            "The application of “{supplier}” was not approved",
            "Hello,\n\nthe application of “{supplier}” as a supplier was not approved.\n"
            "Reason: {reason}\n\nYou may complete it and apply again:\n{link}",
        ),
    },
    "supplier.paper": {
        "zh_Hans_CN": (
            "「{supplier}」的{paper}到 {day} 为止",
            "您好！\n\n「{supplier}」的{paper}有效期到 {day}。请及时上传新的：\n{link}\n\n"
            "营业执照或电信业务许可证过期后，本站会停止向您采购。",
        ),
        "en": (
            "A document of “{supplier}” ends on {day}",
            "Hello,\n\nthe document “{paper}” of “{supplier}” is valid until {day}. Please upload "
            "a new one:\n{link}\n\nWithout a valid business or telecom licence nothing is "
            "bought from you.",
        ),
    },
    "supplier.dispute": {
        "zh_Hans_CN": (
            "「{supplier}」：采购单 {number} 有一张纠纷单",
            "您好！\n\n采购单 {number} 有一张新的纠纷单，请在期限内答复：\n{link}\n\n"
            "答复的快慢会计入供应商评分。",
        ),
        "en": (
            "“{supplier}”: a dispute about purchase {number}",
            "Hello,\n\nthere is a new dispute about purchase {number}. Please answer it in "
            "time:\n{link}\n\nHow soon you answer counts for your scorecard.",
        ),
    },
    "ledger.head": {
        "zh_Hans_CN": (
            "{station}：账本封存链 {id}",
            "您好！\n\n请保留这封邮件：它是账本在今天的指纹，事后改账会与它对不上。\n\n"
            "封存编号：{id}\n转账笔数：{transfers}\n累计金额：{volume} 元\n摘要：{hash}\n\n"
            "核对：kameng ledger verify --heads 文件\n{station}",
        ),
        "en": (
            "{station}: head {id} of the sealed ledger",
            "Hello,\n\nplease keep this mail: it is today's fingerprint of the books. Whoever "
            "changes them afterwards cannot change it.\n\nseal: {id}\ntransfers: {transfers}\n"
            "volume: ¥{volume}\nhash: {hash}\n\nCompare with: kameng ledger verify --heads FILE\n"
            "{station}",
        ),
    },
}


def notice_text(kind: Kind, locale: str, **facts: str) -> tuple[str, str]:
    """Subject and body in a language; Chinese for all but English. Raises `KeyError`."""
    chosen: Locale = "en" if locale.startswith("en") else "zh_Hans_CN"
    subject, body = TEXTS[kind][chosen]
    return subject.format(**facts), body.format(**facts)


def yuan(amount: int) -> str:
    """An amount at scale 4 in whole fen, as mails write it: 95.50."""
    return f"{amount // 10_000}.{amount % 10_000 // 100:02d}"
