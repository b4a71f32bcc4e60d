"""Where an uploaded file lies while its request runs."""

from __future__ import annotations

from io import BytesIO
from typing import IO

from flask import Request

CONSOLE = "/admin/"


class KamengRequest(Request):
    """A request whose uploads to the main console stay in memory.

    Card files come this way, and a card in the clear must not touch the disk, not even in a
    temporary file. The size is bounded by MAX_CONTENT_LENGTH; elsewhere large uploads go to disk.
    """

    def _get_file_stream(
        self,
        total_content_length: int | None,
        content_type: str | None,
        filename: str | None = None,
        content_length: int | None = None,
    ) -> IO[bytes]:
        if self.path.startswith(CONSOLE):
            return BytesIO()
        return super()._get_file_stream(
            total_content_length, content_type, filename, content_length
        )
