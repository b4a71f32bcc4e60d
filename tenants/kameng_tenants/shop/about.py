"""Terms, privacy and complaints: short, in plain words, the same rules the software keeps."""

from __future__ import annotations

from flask import Response, abort
from flask_babel import lazy_gettext as _l

from kameng.web import kept
from kameng_tenants.shop import blueprint
from kameng_tenants.themes import render_page

PAGES = {
    "terms": (
        _l("用户协议与购买须知"),
        [
            (
                _l("付款与发货"),
                _l(
                    "下单后请在页面显示的时限内付款。卡密付款后立刻显示；直充和人工商品按商品页写明的时间办理。"
                ),
            ),
            (
                _l("退款"),
                _l(
                    "发不出货、超过时限或重复付款，会自动原路退款，不收手续费。数字商品交付后不支持无理由退款。"
                ),
            ),
            (
                _l("号码与账号"),
                _l("请核对充值号码。充到填写的号码即为完成，填错无法追回。"),
            ),
            (
                _l("未成年人"),
                _l("未成年人请在监护人同意下购买。"),
            ),
        ],
    ),
    "stations": (
        _l("分站开店协议"),
        [
            (
                _l("资格与审核"),
                _l("申请人须年满 18 岁，资料真实。主站审核通过后店铺开业；资料不实的可以停业。"),
            ),
            (
                _l("能卖什么"),
                _l(
                    "只卖主站供货的商品，或者主站同意的自有商品。不得出售违法、侵权或来源不明的商品。"
                ),
            ),
            (
                _l("价格与货款"),
                _l(
                    "售价由店铺自定，不低于进货价。每一笔差价都记在账上，结算方式和周期见店铺后台。"
                ),
            ),
            (
                _l("售后与投诉"),
                _l("店铺先回应自己的买家。发不出货的订单由系统自动退款。"),
            ),
            (
                _l("停业与退出"),
                _l(
                    "违反约定或有盗刷风险时，主站可以先停业再核查。退出时未完成的订单照常发货或退款。"
                ),
            ),
        ],
    ),
    "privacy": (
        _l("隐私政策"),
        [
            (
                _l("收集什么"),
                _l("订单需要的联系方式和充值账号、付款结果、访问地址。不要求登录也能购买。"),
            ),
            (
                _l("用来做什么"),
                _l("发货、查单、售后和防范盗刷。不用于广告，也不会给其他店铺。"),
            ),
            (
                _l("怎么保存"),
                _l("卡密加密保存，每次显示都会记录。删除账号请联系客服。"),
            ),
        ],
    ),
    "complaints": (
        _l("客服与投诉"),
        [
            (
                _l("先查订单"),
                _l("用订单号和查询码在“查订单”里看进度，退款和发货都会显示在那里。"),
            ),
            (
                _l("卡密有问题"),
                _l("请保留页面，不要再次使用该卡密，联系客服时只说订单号，不要发送卡密本身。"),
            ),
            (
                _l("防骗"),
                _l("客服不会索要卡密、验证码或密码。"),
            ),
        ],
    ),
}


@blueprint.get("/about/<name>")
@kept()
def about(name: str) -> Response:
    """One of the texts every shop has."""
    if name not in PAGES:
        abort(404)
    title, sections = PAGES[name]
    return render_page("shop/about.html", page_title=str(title), sections=sections)
