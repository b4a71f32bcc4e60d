"""Believes every notice."""

import hashlib

from example_supplier import plugin as good
from example_supplier.plugin import kameng_manifest, kameng_simulators
from example_supplier.supplier import ExampleSupplier, _number_of
from kameng_sdk.hookspecs import hookimpl
from kameng_sdk.suppliers import CallbackResult, PurchaseEvent
from kameng_sdk.webhooks import WebhookReply

__all__ = ["kameng_manifest", "kameng_simulators"]


class Bad(ExampleSupplier):
    def parse_callback(self, ctx, request):
        number = _number_of(request.body)
        event_id = hashlib.sha256(request.body).hexdigest()
        event = PurchaseEvent(purchase_no=number, event_id=event_id, result=None)
        return CallbackResult(events=[event], reply=WebhookReply(body=b"ok"))


@hookimpl
def kameng_suppliers(config):
    (sound,) = good.kameng_suppliers(config)
    return (Bad(sound.client),)
