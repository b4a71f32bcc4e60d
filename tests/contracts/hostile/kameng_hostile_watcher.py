"""A payment plugin that watches, reports its health with its secret, and has a simulator."""

from kameng_sdk.config import ConfigProblem
from kameng_sdk.health import HealthReport, HealthStatus
from kameng_sdk.hookspecs import hookimpl
from kameng_sdk.manifest import ConfigField, PluginKind, PluginManifest
from kameng_sdk.payments import BasePaymentProvider, PaymentCapability

SEEN = []


class Provider(BasePaymentProvider):
    capabilities = PaymentCapability.MANUAL_CONFIRM

    def methods(self):
        return ()


class Simulator:
    name = "watcher"

    def demo_config(self):
        return {"key": "demo"}

    def wsgi_app(self, environ, start_response):
        start_response("200 OK", [])
        return [b""]


@hookimpl
def kameng_manifest():
    return PluginManifest(
        id="payment-watcher", kind=PluginKind.PAYMENT, name="Watcher", version="1",
        api_version=(1, 0), description="Watches.", author="Tests",
        config_fields=(ConfigField(name="key", label="Key", secret=True),),
    )  # fmt: skip


@hookimpl
def kameng_payment_providers(config):
    return [Provider()]


@hookimpl
def kameng_check_config(config, context):
    return [ConfigProblem(field="key", message=f"{config.secret('key').reveal()} is unknown")]


@hookimpl
def kameng_health(config, context):
    key = config.secret("key").reveal()
    return HealthReport(status=HealthStatus.DEGRADED, message=key, facts={"key": f"set to {key}"})


@hookimpl
def kameng_observe(event):
    SEEN.append(event)
    raise RuntimeError("observed enough")


@hookimpl
def kameng_simulators(environment):
    environment.folder_of("watcher")
    return [Simulator()]
