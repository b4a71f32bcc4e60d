"""What `verify` found, for people and for programs."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

PASSED, FAILED, NOT_APPLICABLE = "passed", "failed", "not applicable"
FORMAT = 1  # of the JSON report


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check came to; ``reason`` is empty when it passed."""

    check: str
    meaning: str
    result: str
    reason: str
    duration_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """All findings about one state of a plugin's files, which ``digest`` names."""

    plugin_id: str
    name: str
    kind: str
    distribution: str
    version: str
    digest: str
    api_version: str
    made_at: float
    findings: tuple[Finding, ...]

    @property
    def ok(self) -> bool:
        """Whether no check failed."""
        return not self.of(FAILED)

    def of(self, result: str) -> list[Finding]:
        """The findings with a result."""
        return [finding for finding in self.findings if finding.result == result]

    @property
    def when(self) -> str:
        """The moment it was made, UTC."""
        return datetime.fromtimestamp(self.made_at, UTC).isoformat(timespec="seconds")

    def summary(self) -> str:
        """One line."""
        counts = [f"{len(self.of(result))} {result}" for result in (PASSED, FAILED, NOT_APPLICABLE)]
        return f"{self.plugin_id} {self.version}: " + ", ".join(counts)


def as_json(report: Report) -> str:
    """For programs; the console reads it."""
    values: dict[str, Any] = asdict(report) | {"format": FORMAT, "ok": report.ok}
    values["made_at"] = report.when
    values["findings"] = [asdict(finding) for finding in report.findings]
    return json.dumps(values, ensure_ascii=False, indent=1)


def line_of(finding: Finding) -> str:
    """One finding for a terminal."""
    mark = {PASSED: "ok  ", FAILED: "FAIL", NOT_APPLICABLE: "-   "}[finding.result]
    reason = f"  {finding.reason}" if finding.reason else ""
    return f"{mark} {finding.check:<28} {finding.duration_ms:>6} ms{reason}"


def as_text(report: Report) -> str:
    """For people at a terminal."""
    lines = [f"{report.plugin_id} {report.version} sha256:{report.digest}"]
    lines += [line_of(finding) for finding in report.findings]
    return "\n".join([*lines, report.summary()])
