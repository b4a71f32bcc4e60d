"""Manifest, settings and hooks of the plugin."""

from __future__ import annotations

from collections.abc import Sequence

from example_risk.rule import TopUpsPerMember
from kameng_sdk.config import PluginConfig
from kameng_sdk.errors import Misconfigured
from kameng_sdk.hookspecs import hookimpl
from kameng_sdk.manifest import ConfigField, PluginKind, PluginManifest
from kameng_sdk.risk import RiskRule

FIELDS = (
    ConfigField(name="limit", label="触发笔数", kind="int", required=True, default=5, scope="main"),
    ConfigField(
        name="window_s", label="时间窗口(秒)", kind="int", required=True, default=600, scope="main"
    ),
)


@hookimpl
def kameng_manifest() -> PluginManifest:
    """Who this is. Set by the main station alone: a station cannot switch its guard off."""
    return PluginManifest(
        id="risk-example",
        kind=PluginKind.RISK,
        name="示例风控",
        version="0.1.0",
        api_version=(1, 2),
        description="同一会员短时间内多次充值时转人工审核。",
        author="请填写作者",
        config_fields=FIELDS,
        restricted=True,
    )


@hookimpl
def kameng_risk_rules(config: PluginConfig) -> Sequence[RiskRule]:
    """One rule; refuses settings that would hold everything or count for ever."""
    limit, window_s = config.number("limit"), config.number("window_s")
    if limit < 2 or not 1 <= window_s <= 86_400:
        raise Misconfigured("limit must be at least 2, window_s 1 to 86400")
    return (TopUpsPerMember(limit=limit, window_s=window_s),)
