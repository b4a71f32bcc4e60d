"""Asks for a secret in a field that everybody may read."""

from dataclasses import replace

from example_supplier import plugin as good
from example_supplier.plugin import kameng_simulators, kameng_suppliers
from kameng_sdk.hookspecs import hookimpl
from kameng_sdk.manifest import ConfigField

__all__ = ["kameng_simulators", "kameng_suppliers"]


@hookimpl
def kameng_manifest():
    manifest = good.kameng_manifest()
    field = ConfigField(name="callback_secret", label="回调密钥", scope="main")
    return replace(manifest, config_fields=(*manifest.config_fields, field))
