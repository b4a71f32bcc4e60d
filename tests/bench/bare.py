"""H: a page of Flask that does nothing, under the server and the workers of the product."""

from __future__ import annotations

from flask import Flask

app = Flask("bare")


@app.get("/")
def page() -> str:
    """As little as a page can be."""
    return "<!doctype html><title>bare</title><p>hello"
