"""Inside WeChat: who the payer is, the bridge's arguments, and paying by them over HTTP."""

from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from kameng_payment_wechatpay.signing import load_private_key, verify
from kameng_sdk.errors import CapabilityNotSupported, Declined, HttpOutcomeUnknown
from kameng_sdk.outcomes import Outcome

BACK = "https://shop.test/pay/back?order=1"


def code_of(scene: Any, provider: Any, state: str = "s1") -> str:
    page = scene.web.get(provider.identify_url(BACK, state))
    assert page.status_code == 302
    back = urlsplit(page.headers["Location"])
    query = parse_qs(back.query)
    assert (back.netloc, query["order"], query["state"]) == ("shop.test", ["1"], [state])
    return query["code"][0]


def bridged(scene: Any, number: str) -> dict[str, str]:
    provider = scene.provider()
    payer = provider.identify(scene.ctx(), code_of(scene, provider))
    return dict(scene.charge(number, "jsapi", payer=payer).bridge)


def test_the_identifying_page_of_wechat_itself_is_built_as_documented(scene: Any) -> None:
    url = scene.provider(gateway_url="").identify_url(BACK, "s1")
    assert url.startswith("https://open.weixin.qq.com/connect/oauth2/authorize?appid=wx")
    assert url.endswith("&response_type=code&scope=snsapi_base&state=s1#wechat_redirect")
    assert urlencode({"redirect_uri": BACK}) in url


def test_one_browser_is_one_payer_and_each_code_serves_once(scene: Any) -> None:
    provider = scene.provider()
    code = code_of(scene, provider)
    payer = provider.identify(scene.ctx(), code)
    with pytest.raises(Declined, match="40163"):
        provider.identify(scene.ctx(), code)
    assert provider.identify(scene.ctx(), code_of(scene, provider)) == payer
    scene.web.cookies.clear()
    assert provider.identify(scene.ctx(), code_of(scene, provider)) != payer


@pytest.mark.parametrize(
    ("changes", "code", "reason"),
    [({}, "made-up", "40029"), ({"app_secret": "x" * 32}, "", "40125"), ({}, "&secret=", "40029")],
)
def test_a_code_that_is_no_good_is_declined(
    scene: Any, changes: dict[str, str], code: str, reason: str
) -> None:
    with pytest.raises(Declined, match=reason):
        scene.provider(**changes).identify(scene.ctx(), code)


def test_identifying_without_the_apps_secret_is_not_supported(scene: Any) -> None:
    provider = scene.provider(app_secret="")
    with pytest.raises(CapabilityNotSupported):
        provider.identify_url(BACK, "s1")
    with pytest.raises(CapabilityNotSupported):
        provider.identify(scene.ctx(), "code")


def test_an_answer_that_names_nobody_is_unknown(scene: Any) -> None:
    with pytest.raises(HttpOutcomeUnknown):
        scene.provider(gateway_url=f"{scene.shop_url}/nothing").identify(scene.ctx(), "code")


def test_the_bridges_arguments_are_signed_over_four_lines(scene: Any) -> None:
    bridge = bridged(scene, "bridge-1")
    names = ["appId", "timeStamp", "nonceStr", "package", "signType", "paySign"]
    assert (list(bridge), bridge["signType"]) == (names, "RSA")
    key = load_private_key(scene.simulator.demo_config()["merchant_private_key"]).public_key()
    assert verify(key, bridge["paySign"], *(bridge[name] for name in names[:4]))
    assert bridge["package"] == f"prepay_id={scene.order('bridge-1')['prepay_id']}"


def test_a_bridge_is_paid_over_http_and_says_so(scene: Any, until: Any) -> None:
    bridge = bridged(scene, "bridge-2")
    answer = scene.web.post(f"{scene.url}/jsapi/pay", data=bridge)
    assert answer.json() == {"err_msg": "getBrandWCPayRequest:ok"}
    (notice,) = until(lambda: scene.merchant.notices)
    assert scene.read(scene.provider(), notice).attempt_no == "bridge-2"
    result = scene.provider().query(scene.ctx(), "bridge-2", "")
    assert result.outcome is Outcome.SUCCEEDED
    order = scene.order("bridge-2")
    assert order["payments"][0]["openid"] == order["openid"]


def test_a_shopper_may_leave_the_sheet_and_pay_later(scene: Any) -> None:
    bridge = bridged(scene, "bridge-3")
    answer = scene.web.post(f"{scene.url}/jsapi/refuse", data=bridge)
    assert answer.json() == {"err_msg": "getBrandWCPayRequest:cancel"}
    assert scene.provider().query(scene.ctx(), "bridge-3", "").outcome is Outcome.PENDING
    assert scene.web.post(f"{scene.url}/jsapi/pay", data=bridge).status_code == 200


@pytest.mark.parametrize("name", ["appId", "timeStamp", "nonceStr", "package", "paySign"])
def test_changed_arguments_open_nothing(scene: Any, name: str) -> None:
    bridge = bridged(scene, f"changed-{name}")
    changed = {**bridge, name: "1" + bridge[name][1:] + "1"}
    answer = scene.web.post(f"{scene.url}/jsapi/pay", data=changed)
    assert (answer.status_code, answer.json()["err_msg"]) == (400, "getBrandWCPayRequest:fail")
    assert scene.web.get(f"{scene.url}/jsapi", params=changed).status_code == 400
    assert not scene.order(f"changed-{name}")["payments"]


def test_a_browser_with_the_bridges_script_pays_on_a_page_and_comes_back(scene: Any) -> None:
    script = scene.web.get(f"{scene.url}/jsbridge.js")
    assert script.headers["Content-Type"].startswith("text/javascript")
    assert "getBrandWCPayRequest" in script.text
    assert f"\"{scene.url}\" + '/jsapi?'" in script.text
    query = {**bridged(scene, "bridge-4"), "back": f"{scene.shop_url}/order/1"}
    page = scene.web.get(f"{scene.url}/jsapi", params=query, follow_redirects=True)
    assert "微信里" in page.text
    paid = scene.web.post(f"{page.url}/pay")
    assert paid.headers["Location"] == f"{scene.shop_url}/order/1"


def test_nobody_pays_inside_wechat_without_being_known(scene: Any) -> None:
    with pytest.raises(Declined, match="identified"):
        scene.charge("nobody", "jsapi")
