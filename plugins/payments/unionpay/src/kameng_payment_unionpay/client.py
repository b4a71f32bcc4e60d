"""Calls to the gateway: signed requests, verified answers, and doubt kept as doubt."""

from collections.abc import Mapping

from kameng_sdk.context import CallContext
from kameng_sdk.errors import HttpOutcomeUnknown

from .account import UnionpayAccount
from .certificates import BadCertificate
from .signing import ENCODING, RSA, VERSION, read_answer, sign, verify

TIMEOUT_S = 10.0
FILE_TIMEOUT_S = 30.0
FRONT, BACK, QUERY = (
    f"/gateway/api/{name}.do" for name in ("frontTransReq", "backTransReq", "queryTrans")
)

Fields = dict[str, str]


def signed(account: UnionpayAccount, fields: Mapping[str, str]) -> Fields:
    """The whole message: what all have in common, without empty fields, and the signature."""
    common = {
        "version": VERSION, "encoding": ENCODING, "signMethod": RSA, "certId": account.cert_id,
        "accessType": "0", "merId": account.mer_id,
    }  # fmt: skip
    message = {name: value for name, value in {**common, **fields}.items() if value}
    return message | {"signature": sign(message, account.key)}


def call(
    ctx: CallContext, account: UnionpayAccount, path: str, fields: Mapping[str, str]
) -> Fields:
    """One call to the gateway. Raises `HttpOutcomeUnknown` for all but a genuine answer."""
    return _post(ctx, account, account.gateway_url + path, fields, TIMEOUT_S)


def call_files(ctx: CallContext, account: UnionpayAccount, fields: Mapping[str, str]) -> Fields:
    """One call to the server of bills, as `call`."""
    return _post(ctx, account, f"{account.file_url}/", fields, FILE_TIMEOUT_S)


def message_of(answer: Mapping[str, str], prefix: str = "resp") -> str:
    """Code and text of an answer for staff and the log: ``34 查无此交易``."""
    code = "respCode" if prefix == "resp" else "origRespCode"
    text = "respMsg" if prefix == "resp" else "origRespMsg"
    return f"{answer.get(code, '')} {answer.get(text, '')}".strip()[:200]


def _post(
    ctx: CallContext, account: UnionpayAccount, url: str, fields: Mapping[str, str], seconds: float
) -> Fields:
    response = ctx.http.request("POST", url, data=signed(account, fields), timeout_s=seconds)
    if response.status != 200:
        raise HttpOutcomeUnknown(f"UnionPay answered HTTP {response.status}")
    try:
        answer = read_answer(response.text())
        genuine = _genuine(ctx, account, answer)
    except (ValueError, BadCertificate) as error:
        raise HttpOutcomeUnknown(f"UnionPay's answer: {error}") from None
    if not genuine:
        raise HttpOutcomeUnknown("UnionPay's answer is not signed by its key")
    if answer.get("merId", account.mer_id) != account.mer_id:
        raise HttpOutcomeUnknown("the answer is about another merchant")
    return answer


def _genuine(ctx: CallContext, account: UnionpayAccount, answer: Fields) -> bool:
    if answer.get("version") != VERSION or answer.get("signMethod") != RSA:
        raise ValueError("another version or kind of signature")
    return verify(answer, account.trust.key_of(answer, ctx.clock.now()))
