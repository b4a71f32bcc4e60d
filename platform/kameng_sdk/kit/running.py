"""Run every check on one plugin, in order, and note what each came to."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from kameng_sdk.kit.bench import Bench, bench_of
from kameng_sdk.kit.checks import Check, Failed, NotApplicable, Suite
from kameng_sdk.kit.common import common, steady
from kameng_sdk.kit.faults import faults
from kameng_sdk.kit.finding import Installed
from kameng_sdk.kit.market import payment_ends, supplier_ends
from kameng_sdk.kit.payments import after_payments, payments
from kameng_sdk.kit.report import FAILED, NOT_APPLICABLE, PASSED, Finding, Report
from kameng_sdk.kit.risk import risk, risk_ends, risk_faults
from kameng_sdk.kit.static import Specimen, static
from kameng_sdk.kit.suppliers import after_suppliers, suppliers
from kameng_sdk.kit.themes import themes
from kameng_sdk.manifest import API_VERSION, PluginManifest

# What has been said is looked at last: by then every way of failing has been tried.
ON_THE_BENCH: tuple[Suite[Bench], ...] = (
    common, suppliers, payments, steady, risk, themes, faults, risk_faults,
    supplier_ends, payment_ends, risk_ends, after_suppliers, after_payments,
)  # fmt: skip


def all_checks() -> list[Check[Any]]:
    """Every check there is, in the order of the groups."""
    return [*static.checks, *(check for suite in ON_THE_BENCH for check in suite.checks)]


def verify(plugin: Installed, tell: Callable[[Finding], None] = lambda finding: None) -> Report:
    """All checks that concern the plugin; ``tell`` hears of each as it ends."""
    started = time.time()
    findings: list[Finding] = []
    specimen = Specimen(plugin)
    for finding in _all(specimen):
        findings.append(finding)
        tell(finding)
    manifest = _manifest(specimen)
    return Report(
        plugin_id=manifest.id if manifest else plugin.id,
        name=manifest.name if manifest else "",
        kind=manifest.kind.value if manifest else plugin.id.partition("-")[0],
        distribution=plugin.distribution,
        version=plugin.version or (manifest.version if manifest else ""),
        digest=plugin.digest,
        api_version=str(API_VERSION),
        made_at=started,
        findings=tuple(findings),
    )


def _all(specimen: Specimen) -> Iterator[Finding]:
    shut = ""
    for check in static.checks:
        finding = _run(check, specimen, shut)
        yield finding
        if check.gate and finding.result == FAILED:
            shut = f"{check.name} failed"
    manifest = _manifest(specimen)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        if shut or manifest is None:
            yield from _skipped(shut or "static.manifest failed", manifest)
            return
        with bench_of(specimen, Path(folder)) as bench:
            for trial in _of_kind(manifest):
                yield _run(trial, bench, "")


def _skipped(why: str, manifest: PluginManifest | None) -> Iterator[Finding]:
    for trial in _of_kind(manifest) if manifest is not None else ():
        yield Finding(trial.name, trial.meaning, NOT_APPLICABLE, why, 0)


def _of_kind(manifest: PluginManifest) -> Iterator[Check[Bench]]:
    trials = (trial for suite in ON_THE_BENCH for trial in suite.checks)
    return (trial for trial in trials if manifest.kind in trial.kinds)


def _run(check: Check[Any], subject: object, shut: str) -> Finding:
    if shut:
        return Finding(check.name, check.meaning, NOT_APPLICABLE, shut, 0)
    start = time.perf_counter()
    result, reason = PASSED, ""
    try:
        check.run(subject)
    except NotApplicable as why:
        result, reason = NOT_APPLICABLE, str(why)
    except Failed as why:
        result, reason = FAILED, str(why)
    except Exception as error:
        result, reason = FAILED, f"{type(error).__name__}: {error}"[:300]
    took = int((time.perf_counter() - start) * 1000)
    return Finding(check.name, check.meaning, result, reason, took)


def _manifest(specimen: Specimen) -> PluginManifest | None:
    try:
        return specimen.manifest
    except Exception:
        return None
