"""The form base: our token, our language, and the fields consoles need again and again."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from flask import request
from flask_babel import gettext as _
from wtforms import Form, SelectField, StringField
from wtforms.fields.choices import SelectChoice
from wtforms.i18n import get_translations
from wtforms.validators import StopValidation

from kameng.web.i18n import current_locale

SCALE = Decimal(10_000)
LARGEST = 10**15  # 100 billion yuan: beyond it is a typing error


class ConsoleForm(Form):
    """Every console form: messages in the page's language; the token is checked app-wide.

    The hidden field comes from `csrf_field()` in the template; a POST without a valid token
    never reaches a view (400), so a form cannot forget it.
    """

    class Meta:
        """Language of WTForms' own messages."""

        def get_translations(self, form: Any) -> Any:
            """WTForms' own catalogue of the page's language."""
            return get_translations(["en" if current_locale() == "en" else "zh"])

    def process(self, formdata: Any = None, *args: Any, **kwargs: Any) -> None:
        """Fill the fields; a form that was not sent shows its defaults (a box stays ticked)."""
        super().process(formdata or None, *args, **kwargs)

    def sent(self) -> bool:
        """Whether the form was posted and holds."""
        return request.method == "POST" and bool(self.validate())


class AmountField(StringField):
    """Yuan with up to four decimals ↔ an amount at scale 4; empty is None."""

    def __init__(self, *args: Any, signed: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.signed = signed

    def _value(self) -> str:
        if self.raw_data:
            return str(self.raw_data[0])
        return "" if self.data is None else amount_text(self.data)

    def process_formdata(self, valuelist: list[str]) -> None:
        """Parse what was typed; commas and a yuan sign are forgiven."""
        raw = (valuelist[0] if valuelist else "").strip().replace(",", "").lstrip("¥￥")
        self.data = None
        if raw:
            self.data = parse_amount(raw, signed=self.signed)


class ChoiceField(SelectField):
    """A select whose choices may be plain (value, label) pairs."""

    def __init__(self, *args: Any, choices: Any = None, **kwargs: Any) -> None:
        super().__init__(*args, choices=_choices(choices), **kwargs)

    def __setattr__(self, name: str, value: Any) -> None:
        super().__setattr__(name, _choices(value) if name == "choices" else value)


def _choices(pairs: Any) -> Any:
    return None if pairs is None else [as_choice(pair) for pair in pairs]


def as_choice(choice: Any) -> Any:
    """A (value, label) pair as WTForms wants it."""
    if isinstance(choice, tuple):
        return SelectChoice(value=choice[0], label=choice[1])
    return choice


class Required:
    """Refuses an empty field in our own words; `required` is shown as a star."""

    field_flags = {"required": True}  # noqa: RUF012  # WTForms reads the class attribute

    def __call__(self, form: Any, field: Any) -> None:
        if field.data is None or (isinstance(field.data, str) and not field.data.strip()):
            if not field.errors:
                raise StopValidation(_("请填写%(label)s", label=field.label.text))
            raise StopValidation()


def parse_amount(raw: str, *, signed: bool = False) -> int:
    """`95.5` → 955000. Raises ValueError with a message for the person who typed it."""
    try:
        units = Decimal(raw) * SCALE
    except ArithmeticError:  # not a number at all, or 1e999999
        raise ValueError(_("“%(raw)s”不是金额", raw=raw[:20])) from None
    if not units.is_finite() or abs(units) > LARGEST:
        raise ValueError(_("金额太大"))
    if units != units.to_integral_value():
        raise ValueError(_("金额最多四位小数"))
    if units < 0 and not signed:
        raise ValueError(_("金额不能为负"))
    return int(units)


def amount_text(amount: int) -> str:
    """955000 → `95.50`: at least two decimals, four when they matter."""
    text = f"{Decimal(amount) / SCALE:.4f}"
    return text[:-2] if text.endswith("00") else text
