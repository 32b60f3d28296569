"""The content of a report. The PDF and the JSON are two views of it, so they cannot differ.

Every text that came from data, files' names and error messages is already quoted here
(quality/report/quoting.py); the views add nothing and interpret nothing. All times are UTC.
"""

from __future__ import annotations

from quality.report.content.account import Account, Example, FailedFile, Reason, SourceAccount
from quality.report.content.appendix import (
    Appendix,
    Batch,
    ContractCheck,
    FileGroup,
    RuleCheck,
    TestCheck,
)
from quality.report.content.columns import ColumnProfile, Columns, Histogram, MovedColumn
from quality.report.content.report import FORMAT, Report, Run
from quality.report.content.trust import Activity, Flag, Freshness, Matrix, Trust
from quality.report.content.verdict import BatchBack, Number, Problem, TakenBack, Verdict

__all__ = [
    "FORMAT",
    "Account",
    "Activity",
    "Appendix",
    "Batch",
    "BatchBack",
    "ColumnProfile",
    "Columns",
    "ContractCheck",
    "Example",
    "FailedFile",
    "FileGroup",
    "Flag",
    "Freshness",
    "Histogram",
    "Matrix",
    "MovedColumn",
    "Number",
    "Problem",
    "Reason",
    "Report",
    "RuleCheck",
    "Run",
    "SourceAccount",
    "TakenBack",
    "TestCheck",
    "Trust",
    "Verdict",
]
