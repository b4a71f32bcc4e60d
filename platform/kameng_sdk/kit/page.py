"""The report as one page of HTML that needs nothing else."""

from __future__ import annotations

from html import escape

from kameng_sdk.kit.report import FAILED, NOT_APPLICABLE, PASSED, Finding, Report

SIGNS = {PASSED: "✓", FAILED: "✗", NOT_APPLICABLE: "–"}
GROUPS = {
    "static": "Without calling it",
    "contract": "What it promises",
    "fault": "When the other side does wrong",
    "e2e": "From end to end",
}
STYLE = """
:root{color-scheme:light dark;--ink:#1c2628;--dim:#556266;--line:#d5dcde;--ground:#fff;
--ok:#1a6e3c;--bad:#b3261e}
@media (prefers-color-scheme:dark){:root{--ink:#e8eef0;--dim:#a3b0b4;--line:#35444a;
--ground:#12191c;--ok:#6fd39a;--bad:#ff9a91}}
*{box-sizing:border-box}
body{margin:0 auto;max-width:64rem;padding:1.5rem;background:var(--ground);color:var(--ink);
font:1rem/1.5 system-ui,sans-serif}
h1{font-size:1.5rem;margin:0}h2{font-size:1.1rem;margin:2rem 0 .5rem}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.2rem 1rem;margin:1rem 0}
dt{color:var(--dim)}dd{margin:0;overflow-wrap:anywhere}
table{width:100%;border-collapse:collapse}
th,td{text-align:left;vertical-align:top;padding:.45rem .6rem;border-bottom:1px solid var(--line)}
td.time{text-align:right;white-space:nowrap;font-variant-numeric:tabular-nums}
.passed{color:var(--ok)}.failed{color:var(--bad);font-weight:600}.none{color:var(--dim)}
.why{display:block;color:inherit;font-weight:400;overflow-wrap:anywhere}
.meaning{display:block;color:var(--dim);font-size:.9rem}code{font-size:.95em}
@media (max-width:40rem){td.time,th.time{display:none}}
"""


def as_html(report: Report) -> str:
    """A whole document; every text of the plugin is escaped."""
    title = escape(f"{report.name or report.plugin_id} {report.version}")
    verdict = "No check failed" if report.ok else f"{len(report.of(FAILED))} checks failed"
    tone = "passed" if report.ok else "failed"
    body = "".join(_group(group, report) for group in GROUPS)
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{title}: {verdict}</title><style>{STYLE}</style></head><body><main>"
        f'<h1>{title}</h1><p class="{tone}">{SIGNS[PASSED if report.ok else FAILED]} {verdict}</p>'
        f"{_facts(report)}{body}</main></body></html>\n"
    )


def _facts(report: Report) -> str:
    facts = {
        "Plugin": report.plugin_id, "Distribution": report.distribution or "–",
        "Kind": report.kind, "SHA-256": report.digest, "Plugin API": report.api_version,
        "Made": report.when, "Checks": report.summary().partition(": ")[2],
    }  # fmt: skip
    rows = (f"<dt>{name}</dt><dd>{escape(value)}</dd>" for name, value in facts.items())
    return f"<dl>{''.join(rows)}</dl>"


def _group(group: str, report: Report) -> str:
    found = [f for f in report.findings if f.check.partition(".")[0] == group]
    if not found:
        return ""
    head = (
        '<thead><tr><th scope="col">Result</th><th scope="col">Check</th>'
        '<th scope="col" class="time">Time</th></tr></thead>'
    )
    rows = "".join(_row(finding) for finding in found)
    label = f'aria-labelledby="{group}"'
    return (
        f'<h2 id="{group}">{GROUPS[group]}</h2><table {label}>{head}<tbody>{rows}</tbody></table>'
    )


def _row(finding: Finding) -> str:
    tone = finding.result if finding.result != NOT_APPLICABLE else "none"
    why = f'<span class="why">{escape(finding.reason)}</span>' if finding.reason else ""
    return (
        f'<tr><td class="{tone}">{SIGNS[finding.result]} {finding.result}</td>'
        f'<th scope="row"><code>{escape(finding.check)}</code>'
        f'<span class="meaning">{escape(finding.meaning)}</span>{why}</th>'
        f'<td class="time">{finding.duration_ms} ms</td></tr>'
    )
