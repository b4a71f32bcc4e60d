"""What happens inside WeChat: who the shopper is, and the bridge that opens a payment."""

import hmac
import json
import secrets
import time
from collections.abc import Mapping
from urllib.parse import urlencode, urlsplit

from kameng_payment_wechatpay.signing import verify

from .bank import Bank, Refused
from .keys import Keys
from .store import Row

CODE_SECONDS = 300
BRIDGE_SCRIPT = """\
// Plays the part of WeChat's own browser: defines the bridge that pages there find.
window.WeixinJSBridge = {
  invoke: function (name, values, answer) {
    if (name !== 'getBrandWCPayRequest') { answer({ err_msg: name + ':fail' }); return; }
    var query = new URLSearchParams(values);
    query.set('back', location.href);
    location.assign(%s + '/jsapi?' + query);
  }
};
document.dispatchEvent(new Event('WeixinJSBridgeReady'));
"""


class BadAsk(Exception):
    """What WeChat's OAuth answers instead of help: a number and a text."""

    def __init__(self, errcode: int, errmsg: str) -> None:
        super().__init__(errmsg)
        self.answer = {"errcode": errcode, "errmsg": errmsg}


class Inside:
    """One app's shoppers; each browser is one shopper."""

    def __init__(self, bank: Bank, keys: Keys, base_url: str) -> None:
        self._bank = bank
        self._store = bank.store
        self._keys = keys
        self._base_url = base_url

    def script(self) -> str:
        """For a browser that is to behave as if it were WeChat's."""
        return BRIDGE_SCRIPT % json.dumps(self._base_url)

    def authorize(self, params: Mapping[str, str], openid: str) -> str:
        """Where the silent page sends the browser back to, with a code. Raises `BadAsk`."""
        back = params.get("redirect_uri", "")
        if params.get("appid") != self._keys.appid:
            raise BadAsk(40013, "invalid appid")
        if (params.get("response_type"), params.get("scope")) != ("code", "snsapi_base"):
            raise BadAsk(10005, "scope is snsapi_base")
        if not back.startswith(("http://", "https://")):
            raise BadAsk(10003, "redirect_uri is no address")
        code = secrets.token_urlsafe(24)
        with self._store.write() as db:
            db.execute("DELETE FROM codes WHERE made_at < ?", (time.time() - CODE_SECONDS,))
            sql = "INSERT INTO codes (code, openid, made_at) VALUES (?, ?, ?)"
            db.execute(sql, (code, openid, time.time()))
        query = urlencode({"code": code, "state": params.get("state", "")})
        return f"{back}{'&' if urlsplit(back).query else '?'}{query}"

    def access_token(self, params: Mapping[str, str]) -> dict[str, object]:
        """Who a code stands for; each code once. Raises `BadAsk`."""
        if params.get("appid") != self._keys.appid:
            raise BadAsk(40013, "invalid appid")
        if not hmac.compare_digest(params.get("secret", ""), self._keys.app_secret):
            raise BadAsk(40125, "invalid appsecret")
        if params.get("grant_type") != "authorization_code":
            raise BadAsk(40002, "invalid grant_type")
        with self._store.write() as db:
            sql = "SELECT * FROM codes WHERE code = ? AND made_at >= ?"
            asked = (params.get("code", ""), time.time() - CODE_SECONDS)
            found: Row | None = db.execute(sql, asked).fetchone()
            if found is None:
                raise BadAsk(40029, "invalid code")
            if found["used"]:
                raise BadAsk(40163, "code been used")
            db.execute("UPDATE codes SET used = 1 WHERE code = ?", (found["code"],))
        token, again = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
        return {
            "access_token": token, "expires_in": 7200, "refresh_token": again,
            "openid": found["openid"], "scope": "snsapi_base",
        }  # fmt: skip

    def bridged(self, values: Mapping[str, str]) -> Row:
        """The order of the bridge's arguments, if the shop signed them. Raises `Refused`."""
        lines = [values.get(name, "") for name in ("appId", "timeStamp", "nonceStr", "package")]
        signed = verify(self._keys.merchant_key, values.get("paySign", ""), *lines)
        if values.get("signType") != "RSA" or lines[0] != self._keys.appid or not signed:
            raise Refused(400, "SIGN_ERROR", "支付验证签名失败")
        return self._bank.order(lines[3].removeprefix("prepay_id="))
