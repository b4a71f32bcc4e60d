"""Makes an event id up each time a notice is read."""

import uuid
from dataclasses import replace

from example_supplier import plugin as good
from example_supplier.plugin import kameng_manifest, kameng_simulators
from example_supplier.supplier import ExampleSupplier
from kameng_sdk.hookspecs import hookimpl

__all__ = ["kameng_manifest", "kameng_simulators"]


class Bad(ExampleSupplier):
    def parse_callback(self, ctx, request):
        result = super().parse_callback(ctx, request)
        events = [replace(event, event_id=uuid.uuid4().hex) for event in result.events]
        return replace(result, events=events)


@hookimpl
def kameng_suppliers(config):
    (sound,) = good.kameng_suppliers(config)
    return (Bad(sound.client),)
