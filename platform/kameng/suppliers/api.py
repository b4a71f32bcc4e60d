"""What other contexts and the faces may use of suppliers."""

from __future__ import annotations

from kameng.suppliers.domain.applying import DOCUMENT_KINDS, MAX_FILE
from kameng.suppliers.domain.contracts import CYCLES, TERMS, ContractTerms
from kameng.suppliers.domain.offers import COLUMNS as OFFER_COLUMNS
from kameng.suppliers.domain.offers import OfferLine, cost_of, cost_text
from kameng.suppliers.domain.scoring import METRICS, Rule
from kameng.suppliers.services.applying import ApplicationRefused, apply
from kameng.suppliers.services.bills import Comparison, compare_bill, read_bill
from kameng.suppliers.services.contracts import (
    ContractRefused,
    ContractView,
    change_contract,
    contract,
    contracts_of,
    costs_of,
    draft_contract,
    end_contract,
    put_costs,
    read_cost_rows,
    sign_contract,
)
from kameng.suppliers.services.directory import (
    GRADES,
    SupplierView,
    approve,
    fix_grade,
    invite,
    invite_again,
    refuse,
    set_state,
    supplier,
)
from kameng.suppliers.services.disputes import KIND_WORDS as DISPUTE_WORDS
from kameng.suppliers.services.disputes import (
    DisputeView,
    agree,
    answer_dispute,
    close_dispute,
    dispute,
    disputes_of,
    messages_of,
    offered,
    open_dispute,
    reply,
)
from kameng.suppliers.services.documents import KIND_WORDS as DOCUMENT_WORDS
from kameng.suppliers.services.documents import (
    DocumentView,
    Upload,
    documents_of,
    hand_in,
    open_document,
    review,
)
from kameng.suppliers.services.expiring import watch_expiry
from kameng.suppliers.services.keys import (
    KeyView,
    SignatureRefused,
    Signed,
    keys_of,
    make_key,
    revoke_key,
    supplier_of,
)
from kameng.suppliers.services.offers import (
    LineProblem,
    OfferView,
    offers_of,
    preview,
    read_lines,
    read_sheet,
    save_offers,
    sheet_rows,
)
from kameng.suppliers.services.offers import Preview as OfferPreview
from kameng.suppliers.services.payments import (
    PaymentView,
    owed_to,
    payments_of,
    request_payment,
)
from kameng.suppliers.services.people import (
    Person,
    PersonView,
    accept_invitation,
    authenticate,
    change_password,
    confirm,
    enrol,
    find_person,
    invited,
    people_of,
    release_second_factor,
    reset_second_factor,
)
from kameng.suppliers.services.recently import watch_recent
from kameng.suppliers.services.sales import SaleView, open_sales, sale, sales, today
from kameng.suppliers.services.score_rules import (
    ScoreRules,
    ScoreTerms,
    check_score_rules,
    save_score_rules,
    score_rules,
)
from kameng.suppliers.services.score_views import (
    ScoreLine,
    ScorePoint,
    score_history,
    score_line,
    score_list,
)
from kameng.suppliers.services.scorecards import ScoreView, scorecards
from kameng.suppliers.services.scoring import (
    GradePreview,
    compute_score,
    compute_scores,
    preview_grades,
)
from kameng.suppliers.services.sealing import reseal_all
from kameng.suppliers.services.statements import KIND_WORDS as POSTING_WORDS
from kameng.suppliers.services.statements import (
    StatementView,
    answer_statement,
    draw_up_due,
    lines_of,
    set_their_total,
    statement,
    statement_sheet,
    statements_of,
)

__all__ = [
    "CYCLES", "DISPUTE_WORDS", "DOCUMENT_KINDS", "DOCUMENT_WORDS", "GRADES", "MAX_FILE", "METRICS",
    "OFFER_COLUMNS", "POSTING_WORDS", "TERMS", "ApplicationRefused", "Comparison",
    "ContractRefused", "ContractTerms", "ContractView", "DisputeView", "DocumentView",
    "GradePreview", "KeyView", "LineProblem", "OfferLine", "OfferPreview", "OfferView",
    "PaymentView", "Person", "PersonView", "Rule", "SaleView", "ScoreLine", "ScorePoint",
    "ScoreRules", "ScoreTerms", "ScoreView", "SignatureRefused", "Signed", "StatementView",
    "SupplierView", "Upload", "accept_invitation", "agree", "answer_dispute", "answer_statement",
    "apply", "approve", "authenticate", "change_contract", "change_password", "check_score_rules",
    "close_dispute", "compare_bill", "compute_score", "compute_scores", "confirm", "contract",
    "contracts_of", "cost_of", "cost_text", "costs_of", "dispute", "disputes_of", "documents_of",
    "draft_contract", "draw_up_due", "end_contract", "enrol", "find_person", "fix_grade", "hand_in",
    "invite", "invite_again", "invited", "keys_of", "lines_of", "make_key", "messages_of",
    "offered", "offers_of", "open_dispute", "open_document", "open_sales", "owed_to", "payments_of",
    "people_of", "preview", "preview_grades", "put_costs", "read_bill", "read_cost_rows",
    "read_lines", "read_sheet", "refuse", "release_second_factor", "reply", "request_payment",
    "reseal_all", "reset_second_factor", "review", "revoke_key", "sale", "sales", "save_offers",
    "save_score_rules", "score_history", "score_line", "score_list", "score_rules", "scorecards",
    "set_state", "set_their_total", "sheet_rows", "sign_contract", "statement", "statement_sheet",
    "statements_of", "supplier", "supplier_of", "today", "watch_expiry", "watch_recent",
]  # fmt: skip
