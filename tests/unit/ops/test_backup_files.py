"""The repository of backups: nothing opens that was touched, and nothing is written over."""

from __future__ import annotations

import io
import stat
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kameng.ops.account import OURSELVES
from kameng.ops.backup import sealed
from kameng.ops.backup.repository import Base, OtherContent, Repository
from kameng.ops.backup.sealed import CHUNK, Opened, SealBroken, read_key
from kameng.ops.backup.spool import archiving, spool_of, store
from kameng.ops.errors import OpsError
from kameng.ops.postgres import Postgres
from kameng.ops.recovering.moments import read_moment

KEY, OTHER = bytes(range(32)), bytes(32)


def sealed_bytes(content: bytes, name: str = "wal/1/A", key: bytes = KEY) -> bytes:
    out = io.BytesIO()
    sealed.seal(io.BytesIO(content), out, key, name)
    return out.getvalue()


def opened(content: bytes, name: str = "wal/1/A", key: bytes = KEY) -> bytes:
    return b"".join(sealed.unseal(io.BytesIO(content), key, name))


@given(st.binary(max_size=3000), st.sampled_from([0, 1, CHUNK - 1, CHUNK]))
def test_what_goes_in_comes_out(content: bytes, more: int) -> None:
    whole = content + bytes(more)
    assert opened(sealed_bytes(whole)) == whole


def test_content_that_does_not_compress_takes_several_chunks() -> None:
    import random

    content = random.Random(7).randbytes(2 * CHUNK + 17)
    kept = sealed_bytes(content)
    assert len(kept) > 2 * CHUNK
    stream = Opened(sealed.unseal(io.BytesIO(kept), KEY, "wal/1/A"))
    assert io.BufferedReader(stream).read() == content


@given(st.data())
def test_a_changed_byte_is_refused(data: st.DataObject) -> None:
    kept = bytearray(sealed_bytes(b"orders and money" * 50))
    place = data.draw(st.integers(0, len(kept) - 1))
    kept[place] ^= data.draw(st.integers(1, 255))
    with pytest.raises(SealBroken):
        opened(bytes(kept))


def test_a_file_that_was_cut_moved_or_lengthened_is_refused() -> None:
    import random

    kept = sealed_bytes(random.Random(8).randbytes(3 * CHUNK))
    head = len(sealed.MAGIC) + sealed.ID_BYTES + sealed.SALT_BYTES
    piece = 4 + CHUNK + 16
    without_the_second = kept[: head + piece] + kept[head + 2 * piece :]
    for wrong in (kept[: head + piece], kept[:-1], kept + b"x", without_the_second, b"", kept[:9]):
        with pytest.raises(SealBroken):
            opened(wrong)
    with pytest.raises(SealBroken):
        opened(kept, name="wal/1/B")


def test_another_key_is_told_by_name() -> None:
    with pytest.raises(SealBroken, match="another backup key"):
        opened(sealed_bytes(b"x"), key=OTHER)


@pytest.mark.parametrize(
    ("text", "says"), [("", "no backup key"), ("c2hvcnQ=", "32 bytes"), ("%", "32")]
)
def test_a_key_that_is_none_is_said_so(text: str, says: str) -> None:
    with pytest.raises(OpsError, match=says):
        read_key(text)


def test_a_stored_file_is_private_and_never_written_over(tmp_path: Path) -> None:
    repository = Repository(tmp_path / "backups", KEY)
    repository.create()
    source = tmp_path / "segment"
    source.write_bytes(b"first")
    repository.keep_file("wal/1/A", source)
    repository.keep_file("wal/1/A", source)  # the same again is nothing new
    source.write_bytes(b"second")
    with pytest.raises(OtherContent, match="other content"):
        repository.keep_file("wal/1/A", source)
    assert b"".join(repository.pieces("wal/1/A")) == b"first"
    assert stat.S_IMODE(repository.path("wal/1/A").stat().st_mode) == 0o600
    assert [file.name for file in repository.path("wal/1/A").parent.iterdir()] == ["A.sealed"]


def test_a_folder_that_cannot_be_written_is_said_so(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OpsError, match="cannot be written"):
        Repository(tmp_path / "file" / "backups", KEY).create()


def base(repository: Repository, number: int, first_wal: str) -> None:
    at = (datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=number)).isoformat()
    draft = repository.bases / f".{number}.draft"
    draft.mkdir()
    repository.add_base(draft, Base(f"b{number}", "1", first_wal, at, at, 1, 1))


def test_old_bases_go_and_the_wal_that_the_rest_needs_stays(tmp_path: Path) -> None:
    repository = Repository(tmp_path / "backups", KEY)
    repository.create()
    source = tmp_path / "segment"
    source.write_bytes(b"wal")
    names = [f"00000001000000000000000{n}" for n in range(1, 7)] + ["00000002.history"]
    for name in names:
        repository.keep_file(f"wal/1/{name}", source)
    for number in (1, 3, 5):
        base(repository, number, names[number - 1])
    assert repository.forget_old(keep=2) == 2
    assert [b.label for b in repository.list_bases()] == ["b3", "b5"]
    assert sorted(f.stem for f in (repository.wal / "1").iterdir()) == names[2:]
    assert repository.newest(datetime(2026, 1, 5, tzinfo=UTC)).label == "b3"


def server_in(folder: Path) -> Postgres:
    control = folder / "data" / "global"
    control.mkdir(parents=True)
    (control / "pg_control").write_bytes((77).to_bytes(8, "little") + bytes(100))
    return Postgres(folder, folder, folder, OURSELVES)


def archived(server: Postgres, segment: Path, name: str) -> int:
    command = archiving(server)["archive_command"].replace("%f", name).replace("%p", str(segment))
    return subprocess.run(["/bin/sh", "-c", command], check=False).returncode


def test_the_servers_archive_command_refuses_other_content(tmp_path: Path) -> None:
    server, segment = server_in(tmp_path / "pg"), tmp_path / "segment"
    segment.write_bytes(b"first")
    assert archived(server, segment, "A") == 0
    assert archived(server, segment, "A") == 0
    segment.write_bytes(b"second")
    assert archived(server, segment, "A") != 0
    assert (spool_of(server) / "A").read_bytes() == b"first"
    assert archived(server, tmp_path / "missing", "B") != 0
    (spool_of(server) / "A").unlink()
    spool_of(server).rmdir()
    assert archived_nowhere(server, segment) != 0


def archived_nowhere(server: Postgres, segment: Path) -> int:
    command = archiving(server)["archive_command"].replace("%f", "A").replace("%p", str(segment))
    spool_of(server).rmdir()
    return subprocess.run(["/bin/sh", "-c", command], check=False, capture_output=True).returncode


def test_the_spool_is_emptied_into_the_archive_and_kept_when_it_differs(tmp_path: Path) -> None:
    server, segment = server_in(tmp_path / "pg"), tmp_path / "segment"
    repository = Repository(tmp_path / "backups", KEY)
    segment.write_bytes(b"first")
    archived(server, segment, "A")
    (spool_of(server) / ".half").touch()
    assert store(server, repository) == 1
    assert store(server, repository) == 0
    assert b"".join(repository.pieces("wal/77/A")) == b"first"
    segment.write_bytes(b"second")
    archived(server, segment, "A")
    with pytest.raises(OtherContent):
        store(server, repository)
    assert (spool_of(server) / "A").exists()


def test_time_lines_taken_while_nothing_archived_get_into_the_archive(tmp_path: Path) -> None:
    """Else the next restore would take the same number, and its WAL the same names."""
    server, repository = server_in(tmp_path / "pg"), Repository(tmp_path / "backups", KEY)
    (server.data / "pg_wal").mkdir()
    (server.data / "pg_wal" / "00000002.history").write_text("1 0/3000000 restored")
    for moved in (1, 1):  # at every start; the same again is nothing new
        archiving(server)
        assert store(server, repository) == moved
    assert b"".join(repository.pieces("wal/77/00000002.history")) == b"1 0/3000000 restored"


def test_only_one_process_is_at_work(tmp_path: Path) -> None:
    repository = Repository(tmp_path / "backups", KEY)
    with repository.alone("x"), pytest.raises(OpsError, match="at work"), repository.alone("x"):
        pass


def test_moments_are_read_in_the_installations_zone() -> None:
    assert read_moment("latest", "Asia/Shanghai") is None
    moment = read_moment("2026-01-31 08:00:00", "Asia/Shanghai")
    assert moment == datetime(2026, 1, 31, 0, 0, tzinfo=UTC)
    for wrong in ("yesterday", "2999-01-01"):
        with pytest.raises(OpsError):
            read_moment(wrong, "Asia/Shanghai")
