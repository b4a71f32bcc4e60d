"""Opens a connection past the client it was given."""

import http.client
from urllib.parse import urlsplit

from example_supplier import plugin as good
from example_supplier.plugin import kameng_manifest, kameng_simulators
from example_supplier.supplier import ExampleSupplier
from kameng_sdk.hookspecs import hookimpl

__all__ = ["kameng_manifest", "kameng_simulators"]


class Bad(ExampleSupplier):
    def balance(self, ctx):
        target = urlsplit(self.client.base_url)
        connection = http.client.HTTPConnection(target.hostname, target.port, timeout=2)
        connection.request("GET", "/")
        connection.getresponse().read()
        connection.close()
        return super().balance(ctx)


@hookimpl
def kameng_suppliers(config):
    (sound,) = good.kameng_suppliers(config)
    return (Bad(sound.client),)
