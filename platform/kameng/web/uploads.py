"""Reading what a request sends: where an upload lies, and what a broken body is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from typing import IO, Any

from flask import Request
from werkzeug.exceptions import BadRequest

IN_MEMORY = ("/admin/", "/supplier/")
SUPPLIERS, MOST_FROM_SUPPLIERS = "/supplier/", 16 * 1024 * 1024


class KamengRequest(Request):
    """A request whose uploads to the main console and from suppliers stay in memory.

    Card files and licences come this way, and they must not touch the disk in the clear, not even
    in a temporary file. The size is bounded by MAX_CONTENT_LENGTH, for suppliers, whose first form
    is open to everybody, by less; elsewhere large uploads go to disk.
    """

    def get_data(self, *args: Any, **options: Any) -> Any:
        """As usual; a body that breaks off or is badly framed is the sender's fault: 400."""
        with _senders_fault():
            return super().get_data(*args, **options)

    def _load_form_data(self) -> None:
        if self.path.startswith(SUPPLIERS):
            self.max_content_length = MOST_FROM_SUPPLIERS
        with _senders_fault():
            super()._load_form_data()

    def _get_file_stream(
        self,
        total_content_length: int | None,
        content_type: str | None,
        filename: str | None = None,
        content_length: int | None = None,
    ) -> IO[bytes]:
        if self.path.startswith(IN_MEMORY):
            return BytesIO()
        return super()._get_file_stream(
            total_content_length, content_type, filename, content_length
        )


@contextmanager
def _senders_fault() -> Iterator[None]:
    """Gunicorn finds out about a bad chunk when the body is read, in the middle of the page."""
    try:
        yield
    except Exception as error:
        if not type(error).__module__.startswith("gunicorn"):
            raise
        raise BadRequest from error
