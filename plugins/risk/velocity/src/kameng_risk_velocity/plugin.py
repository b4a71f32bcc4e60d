"""Manifest and settings of the rule."""

from __future__ import annotations

from collections.abc import Sequence

from kameng_risk_velocity.rule import TopUpsPerAddress
from kameng_sdk.config import PluginConfig
from kameng_sdk.errors import Misconfigured
from kameng_sdk.hookspecs import hookimpl
from kameng_sdk.manifest import ConfigField, PluginKind, PluginManifest
from kameng_sdk.risk import RiskDecision, RiskRule

DECISIONS = {"review": RiskDecision.REVIEW, "block": RiskDecision.BLOCK}
LONGEST_WINDOW_S = 3600

FIELDS = (
    ConfigField(
        name="threshold", label="触发笔数", kind="int", required=True, default=10, scope="main",
        help="同一 IP 在时间窗口内的第几笔充值起触发",
    ),
    ConfigField(
        name="window_s", label="时间窗口(秒)", kind="int", required=True, default=60, scope="main",
    ),
    ConfigField(
        name="decision", label="处理方式", kind="choice", required=True, default="review",
        choices=(("review", "冻结并人工审核"), ("block", "直接拒绝")), scope="main",
    ),
)  # fmt: skip


@hookimpl
def kameng_manifest() -> PluginManifest:
    """On by default and set by the main station alone: a station cannot switch its guard off."""
    return PluginManifest(
        id="risk-velocity",
        kind=PluginKind.RISK,
        name="充值频次风控",
        version="0.1.0",
        api_version=(1, 3),
        description="同一 IP 短时间内多次充值(直充与余额充值)时冻结订单并转人工审核;卡密订单不计。",
        author="Kameng",
        config_fields=FIELDS,
        restricted=True,
        on_by_default=True,
    )


@hookimpl
def kameng_risk_rules(config: PluginConfig) -> Sequence[RiskRule]:
    """One rule; refuses settings that would hold everything or nothing."""
    threshold, window_s = config.number("threshold"), config.number("window_s")
    if not 2 <= threshold <= 10_000:
        raise Misconfigured("threshold must be 2 to 10000")
    if not 1 <= window_s <= LONGEST_WINDOW_S:
        raise Misconfigured(f"window_s must be 1 to {LONGEST_WINDOW_S}")
    decision = DECISIONS[config.text("decision")]
    return (TopUpsPerAddress(threshold=threshold, window_s=window_s, decision=decision),)
