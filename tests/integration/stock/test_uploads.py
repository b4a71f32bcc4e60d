"""An uploaded card file does not touch the disk in the clear."""

from __future__ import annotations

from io import BytesIO

import pytest
from flask import Flask
from werkzeug.test import create_environ

LARGE = 10_000_000  # far above what is kept in memory anyway


@pytest.mark.parametrize(("path", "in_memory"), [("/admin/batches/import", True), ("/p/x", False)])
def test_S10_uploads_to_the_console_stay_in_memory(app: Flask, path: str, in_memory: bool) -> None:
    request = app.request_class(create_environ(path))
    with request._get_file_stream(LARGE, "text/plain", "cards.txt", LARGE) as stream:
        assert isinstance(stream, BytesIO) is in_memory
