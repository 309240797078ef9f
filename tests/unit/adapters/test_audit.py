"""The audit file takes whole records, keeps its lines apart, and says when it cannot."""

import json
import os
import stat
from pathlib import Path

import pytest

from tabard.adapters import audit as module
from tabard.adapters.audit import JSONLinesAudit
from tabard.ports.audit import AuditUnavailable


def lines(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text().split("\n") if line]


def test_each_record_is_one_line_of_json(tmp_path: Path) -> None:
    audit = JSONLinesAudit(tmp_path / "audit.jsonl")

    audit.append({"eventName": "A"})
    audit.append({"eventName": "B"})

    assert lines(tmp_path / "audit.jsonl") == [{"eventName": "A"}, {"eventName": "B"}]


def test_a_text_with_line_breaks_and_escapes_stays_on_its_line(tmp_path: Path) -> None:
    audit = JSONLinesAudit(tmp_path / "audit.jsonl")
    forged = 'x\n{"eventName":"Forged"}\r\n\x1b[31m\u2028\u202e\x00'

    audit.append({"userAgent": forged})

    assert (tmp_path / "audit.jsonl").read_bytes().count(b"\n") == 1
    assert lines(tmp_path / "audit.jsonl") == [{"userAgent": forged}]


def test_the_file_is_for_its_owner_alone_and_is_appended_to(tmp_path: Path) -> None:
    path = tmp_path / "log" / "audit.jsonl"
    JSONLinesAudit(path).append({"n": 1})
    JSONLinesAudit(path, fsync=True).append({"n": 2})

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [record["n"] for record in lines(path)] == [1, 2]


def test_a_file_that_was_moved_away_is_begun_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "REOPEN_CHECK", 0.0)
    path = tmp_path / "audit.jsonl"
    audit = JSONLinesAudit(path)
    audit.append({"n": 1})
    path.rename(tmp_path / "audit.1")
    audit.append({"n": 2})

    assert lines(path) == [{"n": 2}]
    assert lines(tmp_path / "audit.1") == [{"n": 1}]


def test_a06_a_full_disk_is_told_and_the_torn_line_does_not_spoil_the_next(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    audit = JSONLinesAudit(path)
    audit.append({"n": 1})
    full = os.open("/dev/full", os.O_WRONLY)
    ours, audit._fd = audit._fd, full
    with pytest.raises(AuditUnavailable, match="cannot be written"):
        audit.append({"n": 2})
    audit._fd = ours
    os.write(ours, b'{"n": 3, "torn')
    audit._torn = True

    audit.append({"n": 4})

    text = path.read_text().splitlines()
    assert [json.loads(text[0]), json.loads(text[-1])] == [{"n": 1}, {"n": 4}]
    os.close(full)


def test_a_file_that_cannot_be_begun_anew_takes_nothing_and_no_other_file_is_written_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The moved file was closed before the new one was open, and its number went on being written to."""
    monkeypatch.setattr(module, "REOPEN_CHECK", 0.0)
    path = tmp_path / "audit.jsonl"
    audit = JSONLinesAudit(path)
    audit.append({"n": 1})
    path.rename(tmp_path / "audit.1")
    path.mkdir()
    with pytest.raises(AuditUnavailable, match="cannot be written"):
        audit.append({"n": 2})

    with (tmp_path / "other").open("wb") as other:
        with pytest.raises(AuditUnavailable):
            audit.append({"n": 3})
        assert other.tell() == (tmp_path / "other").stat().st_size == 0
    path.rmdir()
    audit.append({"n": 4})

    assert lines(path) == [{"n": 4}]
    assert lines(tmp_path / "audit.1") == [{"n": 1}]
    audit.close()


def test_a_line_that_was_torn_before_the_start_does_not_spoil_the_first_record(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    path.write_bytes(b'{"n": 1}\n{"n": 2, "torn')

    JSONLinesAudit(path).append({"n": 3})

    assert json.loads(path.read_text().split("\n")[-2]) == {"n": 3}
