"""What a refusal (code 400) means. The site has one code for all, so its words must tell."""

import re

# "This number has been used" is no refusal of the order: the first one may have been placed. What
# somebody further up said is none of the site's own, and may come after the order.
_DOUBTFUL = re.compile("重复|已存在|已提交|已下单|已使用|上游|渠道|供货|供应商")
# Sure: said before anything is placed. Words that are not here leave the outcome unknown.
_SURE = (
    ("price", re.compile("安全价|保护价|售价.*(变|高)|价格.*(变|高|涨)|亏本")),
    ("balance", re.compile("(余额|预存款|资金)不足")),
    ("stock", re.compile("库存不足|缺货|无库存|没有库存|售罄")),
    ("off_sale", re.compile("下架|停售|禁售|暂停|商品不存在|商品未找到|商品已删除")),
    ("quantity", re.compile("数量.*(小于|大于|超|不能|错误|必须)|起购|限购")),
    ("inputs", re.compile("(参数|格式|账号|手机号).{0,8}(错误|不正确|有误|不能为空|不合法)|必填")),
    ("auth", re.compile("签名|密钥|验签|白名单|时间戳|用户不存在|未授权|无权限")),
)
_NO_ORDER = re.compile("订单.*(不存在|未找到|没有找到)|(没有|无|查不到).*订单")


def refusal_code(message: str) -> str | None:
    """A short word when the refusal is sure, else None."""
    if _DOUBTFUL.search(message):
        return None
    return next((code for code, words in _SURE if words.search(message)), None)


def says_no_such_order(message: str) -> bool:
    """Whether a refused question means that the site knows no such order."""
    return _NO_ORDER.search(message) is not None
