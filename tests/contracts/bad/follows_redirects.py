"""Goes wherever it is sent."""

from around import through

from example_supplier import plugin as good
from example_supplier.plugin import kameng_manifest, kameng_simulators
from example_supplier.supplier import ExampleSupplier
from kameng_sdk.hookspecs import hookimpl

__all__ = ["kameng_manifest", "kameng_simulators"]


class Bad(ExampleSupplier):
    def purchase(self, ctx, request):
        def answer(send):
            found = send()
            if "location" in found.headers:
                return ctx.http.request("GET", found.headers["location"])
            return found

        return super().purchase(through(ctx, answer), request)


@hookimpl
def kameng_suppliers(config):
    (sound,) = good.kameng_suppliers(config)
    return (Bad(sound.client),)
