"""The hooks: who this is, how it is configured, what it builds."""

from __future__ import annotations

from collections.abc import Sequence

from kameng_sdk.config import PluginConfig
from kameng_sdk.hookspecs import hookimpl
from kameng_sdk.manifest import ConfigField, PluginKind, PluginManifest
from kameng_sdk.payments import PaymentProvider

from .provider import BankAccount, BankTransferProvider

FIELDS = (
    ConfigField(
        name="bank", label="开户银行", required=True, pattern=r".{2,60}",
        help="例如 中国工商银行",
    ),
    ConfigField(name="branch", label="开户支行", pattern=r".{2,80}", help="有的银行跨行转账要填"),
    ConfigField(
        name="holder", label="户名", required=True, pattern=r".{2,60}", help="和银行登记的一字不差",
    ),
    ConfigField(
        name="account", label="账号", required=True, pattern=r"[0-9](?:[0-9 -]{3,38})[0-9]",
        help="顾客会看到完整账号",
    ),
    ConfigField(
        name="note", label="给顾客的说明", kind="text", pattern=r"(?s).{0,300}",
        help="例如 工作日 9:00–18:00 内 30 分钟到账确认",
    ),
    ConfigField(
        name="minimum", label="最低金额", kind="money",
        help="小于这个金额不提供银行转账；不填不限",
    ),
)  # fmt: skip


@hookimpl
def kameng_manifest() -> PluginManifest:
    return PluginManifest(
        id="payment-bank-transfer",
        kind=PluginKind.PAYMENT,
        name="银行转账",
        version="0.1.0",
        api_version=(1, 1),
        description="给顾客看收款账号和附言，由员工核对到账；退款由员工在银行转回",
        author="Kameng",
        config_fields=FIELDS,
        capabilities=("manual",),
    )


@hookimpl
def kameng_payment_providers(config: PluginConfig) -> Sequence[PaymentProvider]:
    return [BankTransferProvider(BankAccount.from_config(config))]
