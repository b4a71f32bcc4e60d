"""Purchase fields: saved by the main station, filled in by shoppers, answered in sentences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import delete, select

from kameng import epoch
from kameng.catalog.domain.fields import FieldRule, Problem, field_problem, validate_all
from kameng.catalog.models import PurchaseField
from kameng.catalog.services.browse import field_rules
from kameng.catalog.services.saving import saving
from kameng.db import db
from kameng.errors import DomainError

MAX_FIELDS = 12

_known: epoch.Memory[int, list[FieldRule]] = epoch.Memory("kameng.catalog.fields")


def validate_inputs(
    product_id: int, raw: Mapping[str, object]
) -> tuple[dict[str, str], dict[str, str]]:
    """What the shopper filled in: the cleaned values, and a sentence for each field to correct."""
    fields = _known.recall(product_id, lambda: fields_of(product_id))
    clean, problems = validate_all(fields, raw)
    return clean, {name: problem_text(problem) for name, problem in problems.items()}


def fields_of(product_id: int) -> list[FieldRule]:
    """The purchase fields of a product in order."""
    return field_rules(
        db.session.scalars(
            select(PurchaseField)
            .where(PurchaseField.product_id == product_id)
            .order_by(PurchaseField.position, PurchaseField.id)
        ).all()
    )


def save_fields(product_id: int, fields: Sequence[FieldRule]) -> None:
    """Replace a product's purchase fields; raises `DomainError("field_refused")`."""
    with saving():
        put_fields(product_id, fields)
    epoch.renew()  # programs' inputs are checked by what processes remember


def put_fields(product_id: int, fields: Sequence[FieldRule]) -> bool:
    """The same inside the caller's transaction; True when something changed."""
    names = [rule.name for rule in fields]
    if len(names) > MAX_FIELDS or len(set(names)) != len(names):
        raise DomainError("field_refused", _("购买信息最多 12 项，字段名不能重复"))
    for rule in fields:
        problem = field_problem(rule)
        if problem is not None:
            raise DomainError("field_refused", problem_text(problem), field=rule.name)
    if list(fields) == fields_of(product_id):
        return False
    db.session.execute(delete(PurchaseField).where(PurchaseField.product_id == product_id))
    for position, rule in enumerate(fields):
        db.session.add(
            PurchaseField(
                product_id=product_id,
                name=rule.name,
                label=rule.label,
                kind=rule.kind,
                required=rule.required,
                pattern=rule.pattern,
                help=rule.help,
                choices=list(rule.choices),
                position=position,
            )
        )
    db.session.flush()
    return True


def problem_text(problem: Problem) -> str:
    """The sentence for a problem, in the reader's language: what is wrong and how to fix it."""
    if problem.code == "pattern" and not problem.facts["help"]:
        return str(_("%(label)s格式不对，请核对后重填", **problem.facts))
    return str(_SENTENCES[problem.code]) % dict(problem.facts)


_SENTENCES = {
    "required": _l("请填写%(label)s"),
    "not_text": _l("请填写%(label)s"),
    "too_long": _l("%(label)s多了 %(over)s 个字，最多 %(limit)s 个字"),
    "invisible": _l("%(label)s里有看不见的字符，请重新输入"),
    "phone_character": _l("手机号里不能有“%(character)s”，只填 11 位数字"),
    "phone_short": _l("少了 %(missing)s 位，手机号是 11 位数字"),
    "phone_long": _l("多了 %(extra)s 位，手机号是 11 位数字"),
    "phone_prefix": _l("手机号以 13 到 19 开头，请核对前两位"),
    "email_at": _l("邮箱要有 @，例如 name@example.com"),
    "email_host": _l("邮箱 @ 后面的“%(host)s”不完整，例如 example.com"),
    "email_local": _l("邮箱 @ 前面的部分不对，请核对"),
    "number_character": _l("%(label)s只能是数字，请去掉“%(character)s”"),
    "choice": _l("请从列出的选项里选择%(label)s"),
    "account_space": _l("%(label)s中间不能有空格"),
    "pattern": _l("%(label)s格式不对：%(help)s"),
    "field_name": _l("字段名“%(name)s”要以小写字母开头，只用小写字母、数字和下划线"),
    "field_label": _l("字段“%(name)s”的标题要有 1 到 40 个字"),
    "field_kind": _l("字段“%(name)s”的类型不认识"),
    "field_choices": _l("“%(label)s”的选项不对：单选要有 1 到 100 个选项，其他类型没有选项"),
    "field_pattern": _l("“%(label)s”的格式规则从第 %(position)s 个字符起不能用，请简化"),
}
