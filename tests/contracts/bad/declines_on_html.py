"""Takes a web page for a no."""

from around import through

from example_supplier import plugin as good
from example_supplier.plugin import kameng_manifest, kameng_simulators
from example_supplier.supplier import ExampleSupplier
from kameng_sdk.errors import Declined
from kameng_sdk.hookspecs import hookimpl

__all__ = ["kameng_manifest", "kameng_simulators"]


class Bad(ExampleSupplier):
    def purchase(self, ctx, request):
        return super().purchase(through(ctx, self.answer), request)

    def answer(self, send):
        found = send()
        if found.headers.get("content-type") == "text/html":
            raise Declined("html")
        return found


@hookimpl
def kameng_suppliers(config):
    (sound,) = good.kameng_suppliers(config)
    return (Bad(sound.client),)
