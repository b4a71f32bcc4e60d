"""Fill an empty demo, in under a minute."""

from __future__ import annotations

import logging
import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from kameng.app import create_app
from kameng.db import main_scope
from kameng.ops import demo_info
from kameng.ops.demo import (
    backdating,
    cards,
    channels,
    dossiers,
    history,
    people,
    settling,
    standing,
    supply,
    work,
)
from kameng.ops.demo.buying import Counter, Diary
from kameng.ops.demo.purchasing import PastPurchases
from kameng.ops.demo.range import create_range, create_rules
from kameng.ops.home import find_home
from kameng.orders import api as orders
from kameng.payments import api as payments
from kameng.pricing import api as pricing
from kameng.settings import Settings
from kameng.stock import api as stock

log = logging.getLogger(__name__)
SEED = 20261122  # the same market on every machine, but for its passwords


def seed(settings: Settings) -> None:
    """Stations, people, goods, cards, channels and ninety days of orders."""
    source = random.Random(SEED)
    app = create_app(replace(settings, database_url=_hurried(settings.database_url)))
    with app.app_context():
        shown = people.create_main()
        shelves = channels.switch_on(settings, supply.plugins_used())
        with main_scope(reason="demo"):
            create_rules()
            skus = create_range(supply.first_costs(shelves))
            market = supply.open_market(shelves, skus)
        opened = people.create_stations()
        with main_scope(reason="demo"):
            pricing.reprice()
            settling.agree_on_terms()
            cards.fill_pools(skus, source)
        station_ids = [1, *(station_id for station_id, _login in opened)]
        members, member_login = people.create_members(station_ids)
        shown["api"] = people.create_api_key(members[1][0])
        crowd = people.DemoPeople(station_ids, members, shown)
        now = datetime.now(UTC)
        diary = Diary()
        history.fill_wallets(crowd, now, source, diary)
        tills = [Counter.of(station_id, crowd, SEED, diary) for station_id in station_ids]
        work.had_trouble(tills, skus, now)  # first: lists show the highest numbers on top
        history.live(app, tills, skus, history.moments(now, source))
        # What its programs buy from: the pages have spent the rest.
        history.fill_wallet(1, members[1][0], 5000, now - timedelta(days=2), diary)
        past = PastPurchases(market, diary, now)
        past.buy_all()
        work.leave_work(tills, skus, now, past)
        people.leave_application()
        portal_login = dossiers.keep_dossiers(market)
        backdating.date_back(settings.database_url, diary)
        with main_scope(reason="demo"):
            history.close_refunds()
            orders.expire_overdue(10_000)
            orders.complete_old(limit=10_000)
            work.restock(skus, tills[0])
            stock.check_stock_alerts()
        settling.settle(opened)
        backdating.date_endings(settings.database_url)
        supply.begin_sourcing(market)
        standing.judge(market, now)
        backdating.date_supply(settings.database_url)
        payments.compare_again()
        _write_logins(settings, {**shown, "supplier": portal_login}, opened[0], member_login)
    log.info("demo is filled orders=%d", len(diary.moments))


def _hurried(database_url: str) -> str:
    """Our own server by its socket need not wait for the disk: a broken demo is filled anew.

    An address given from outside stays as it is: a pooler in front would refuse the option.
    """
    ours = "?host=/" in database_url
    return f"{database_url}&options=-csynchronous_commit%3Doff" if ours else database_url


def _write_logins(
    settings: Settings,
    shown: dict[str, Any],
    owner: tuple[int, dict[str, str]],
    member: dict[str, str],
) -> None:
    host = f"{people.STATIONS[0][0]}.{settings.base_domain}"
    info = {
        **shown,
        "api": {**shown["api"], "docs_url": settings.host_url(settings.main_host) + "/api/v1/docs"},
        "owner": {**owner[1], "station_url": settings.host_url(host)},
        "member": {**member, "station_url": settings.host_url(settings.main_host)},
        "supplier": {
            **shown["supplier"],
            "portal_url": settings.host_url(settings.main_host) + "/supplier/",
        },
    }
    demo_info.write(find_home({"KAMENG_HOME": str(settings.home)}), info)
