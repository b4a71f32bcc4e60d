"""A client around the client, for plugins that treat answers in their own way."""

from dataclasses import replace

from kameng_sdk.context import CallContext


class Around:
    """Passes everything on to `answer`, with a way to send."""

    def __init__(self, http, answer):
        self.http = http
        self.answer = answer

    def request(self, method, url, **more):
        return self.answer(lambda: self.http.request(method, url, **more))


def through(ctx: CallContext, answer) -> CallContext:
    return replace(ctx, http=Around(ctx.http, answer))
