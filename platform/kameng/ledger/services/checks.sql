-- The checks of `kameng ledger verify`: each query must find nothing. Columns: subject, expected, found.
-- All run in one REPEATABLE READ snapshot, so a busy shop cannot make them see half a sale.
-- `-- check: name | title` opens a check; :since (a moment or NULL) narrows the fingerprints.

-- check: transfers_well_formed | 每笔转账两端账户存在、币种一致、金额为正
SELECT 'transfer:' || t.id AS subject, 'two accounts of its currency, amount > 0' AS expected,
       t.debit_account || '>' || t.credit_account || ' ' || t.amount AS found
  FROM transfer t LEFT JOIN account d ON d.id = t.debit_account LEFT JOIN account c ON c.id = t.credit_account
 WHERE d.id IS NULL OR c.id IS NULL OR d.currency <> t.currency OR c.currency <> t.currency
    OR t.amount <= 0 OR t.debit_account = t.credit_account

-- check: transfers_unchanged | 每组转账与过账时的指纹一致
SELECT 'txn:' || txn AS subject, min(encode(params_hash, 'hex')) AS expected, 'other legs' AS found
  FROM transfer WHERE CAST(:since AS timestamptz) IS NULL OR at >= :since
 GROUP BY txn
HAVING count(DISTINCT params_hash) > 1 OR min(encode(params_hash, 'hex')) <> encode(sha256(convert_to(string_agg(
       debit_account || '>' || credit_account || ':' || amount || ':' || kind, ';' ORDER BY leg), 'UTF8')), 'hex')

-- check: legs_complete | 每组转账的分录序号不缺
SELECT 'txn:' || txn AS subject, max(leg)::text AS expected, count(*)::text AS found
  FROM transfer GROUP BY txn HAVING max(leg) <> count(*) OR min(leg) <> 1

-- check: total_is_zero | 每种币所有账户合计为零
SELECT 'currency:' || a.currency AS subject, '0' AS expected, sum(s.balance)::text AS found FROM account a JOIN (
  SELECT account_id, balance FROM account_balance
  UNION ALL
  SELECT l.account_id, sum(l.amount) FROM (SELECT debit_account AS account_id, -amount AS amount FROM transfer
    UNION ALL SELECT credit_account, amount FROM transfer) l
   WHERE NOT EXISTS (SELECT 1 FROM account_balance b WHERE b.account_id = l.account_id) GROUP BY l.account_id
) s ON s.account_id = a.id GROUP BY a.currency HAVING sum(s.balance) <> 0

-- check: balances_recomputed | 每个余额等于其全部转账之和，且不低于下限
SELECT 'account:' || a.id || ' ' || a.kind || ' ' || a.ref AS subject, coalesce(m.amount, 0)::text AS expected, b.balance::text AS found
  FROM account_balance b JOIN account a ON a.id = b.account_id LEFT JOIN (
    SELECT account_id, sum(amount) AS amount FROM (SELECT debit_account AS account_id, -amount AS amount FROM transfer
      UNION ALL SELECT credit_account, amount FROM transfer) l GROUP BY account_id) m ON m.account_id = b.account_id
 WHERE b.balance <> coalesce(m.amount, 0) OR b.balance < b.floor OR b.station_id <> a.station_id

-- check: balance_rows_present | 有下限的账户都有余额行，其余都没有
SELECT 'account:' || coalesce(a.id, b.account_id) AS subject,
       CASE WHEN a.kind IN ('wallet','deposit','frozen','available') THEN 'a balance row' ELSE 'none' END AS expected,
       CASE WHEN b.account_id IS NULL THEN 'none' ELSE 'a balance row' END AS found
  FROM account a FULL JOIN account_balance b ON b.account_id = a.id
 WHERE a.id IS NULL OR (a.kind IN ('wallet','deposit','frozen','available')) = (b.account_id IS NULL)

-- check: rollups_recomputed | 滚存等于其截止点前的转账之和
SELECT 'account:' || r.account_id AS subject, coalesce(sum(l.amount), 0)::text AS expected, r.balance::text AS found
  FROM account_rollup r LEFT JOIN (SELECT debit_account AS account_id, -amount AS amount, xid FROM transfer
    UNION ALL SELECT credit_account, amount, xid FROM transfer) l ON l.account_id = r.account_id AND l.xid < r.through
 GROUP BY r.account_id, r.balance HAVING coalesce(sum(l.amount), 0) <> r.balance

-- check: order_clearing_explained | 订单暂收逐单解释：未履约的等于应付，其余为零
SELECT 'order:' || o.station_id || ':' || o.id AS subject,
       (CASE WHEN o.state IN ('paid','fulfilling','held','partially_delivered') THEN o.payable ELSE 0 END)::text AS expected, coalesce(m.amount, 0)::text AS found
  FROM orders o LEFT JOIN (
    SELECT t.station_id, t.order_id, sum(CASE WHEN c.kind = 'order_clearing' THEN t.amount ELSE 0 END - CASE WHEN d.kind = 'order_clearing' THEN t.amount ELSE 0 END) AS amount
      FROM transfer t JOIN account d ON d.id = t.debit_account JOIN account c ON c.id = t.credit_account
     WHERE t.order_id IS NOT NULL AND (d.kind = 'order_clearing' OR c.kind = 'order_clearing') GROUP BY 1, 2) m ON m.station_id = o.station_id AND m.order_id = o.id
 WHERE coalesce(m.amount, 0) <> CASE WHEN o.state IN ('paid','fulfilling','held','partially_delivered') THEN o.payable ELSE 0 END

-- check: clearing_totals_explained | 暂收与待退款账户的余额都有订单或退款单对应
SELECT 'account:' || a.id || ' ' || a.kind || ' ' || a.ref AS subject, coalesce(w.amount, 0)::text AS expected, coalesce(m.amount, 0)::text AS found
  FROM account a LEFT JOIN (
    SELECT 'order_clearing' AS kind, station_id, sum(payable) AS amount FROM orders WHERE state IN ('paid','fulfilling','held','partially_delivered') GROUP BY 2
    UNION ALL
    SELECT 'refund_payable', station_id, sum(amount) FROM refund WHERE state <> 'succeeded' GROUP BY 2) w ON w.kind = a.kind AND w.station_id = a.station_id AND a.ref = ''
  LEFT JOIN (SELECT account_id, sum(amount) AS amount FROM (SELECT debit_account AS account_id, -amount AS amount FROM transfer
      UNION ALL SELECT credit_account, amount FROM transfer) l GROUP BY account_id) m ON m.account_id = a.id
 WHERE a.kind IN ('order_clearing','refund_payable') AND coalesce(m.amount, 0) <> coalesce(w.amount, 0)

-- check: gateways_explained | 每个渠道的往来等于到账减手续费再减已退款
SELECT 'gateway:' || coalesce(w.plugin_id, m.plugin_id) AS subject, coalesce(w.amount, 0)::text AS expected, coalesce(m.amount, 0)::text AS found FROM (
  SELECT plugin_id, sum(amount) AS amount FROM (
    SELECT a.plugin_id, (a.fee - a.amount) * (1 + (SELECT count(*) FROM refund r WHERE r.station_id = a.station_id AND r.attempt_id = a.id
        AND r.reason = 'paid_twice' AND r.provider_ref <> a.provider_ref)) AS amount
      FROM payment_attempt a WHERE a.state = 'succeeded' AND a.plugin_id <> 'payment-balance'
    UNION ALL
    SELECT a.plugin_id, r.amount FROM refund r JOIN payment_attempt a ON a.station_id = r.station_id AND a.id = r.attempt_id
     WHERE r.state = 'succeeded' AND a.plugin_id <> 'payment-balance') s GROUP BY plugin_id) w
FULL JOIN (
  SELECT a.ref AS plugin_id, sum(CASE WHEN t.credit_account = a.id THEN t.amount ELSE -t.amount END) AS amount
    FROM transfer t JOIN account a ON a.id IN (t.debit_account, t.credit_account) AND a.kind = 'gateway_clearing' GROUP BY 1) m ON m.plugin_id = w.plugin_id
 WHERE coalesce(w.amount, 0) <> coalesce(m.amount, 0)

-- check: wallets_explained | 每个余额等于充值减支付加退回
SELECT 'wallet:' || coalesce(w.station_id, b.station_id) || ':' || coalesce(w.member, b.member) AS subject, coalesce(w.amount, 0)::text AS expected, coalesce(b.balance, 0)::text AS found FROM (
  SELECT station_id, member, sum(amount) AS amount FROM (
    SELECT station_id, member_id::text AS member, CASE purpose WHEN 'top_up' THEN amount ELSE -amount END AS amount
      FROM payment_attempt WHERE state = 'succeeded' AND (purpose = 'top_up' OR plugin_id = 'payment-balance')
    UNION ALL
    SELECT a.station_id, a.member_id::text, r.amount FROM refund r JOIN payment_attempt a ON a.station_id = r.station_id AND a.id = r.attempt_id
     WHERE r.state = 'succeeded' AND a.plugin_id = 'payment-balance') s GROUP BY 1, 2) w
FULL JOIN (SELECT a.station_id, a.ref AS member, b.balance FROM account a JOIN account_balance b ON b.account_id = a.id WHERE a.kind = 'wallet') b
  ON b.station_id = w.station_id AND b.member = w.member
 WHERE coalesce(w.amount, 0) <> coalesce(b.balance, 0)

-- check: snapshots_sum_up | 每单的成本与各级毛利之和等于单价，应付等于取整后的总价
SELECT 'order:' || o.station_id || ':' || o.id AS subject, o.unit_price || ' × ' || o.quantity || ' → ' || o.payable AS expected,
       coalesce((c.cost + (SELECT coalesce(sum(x), 0) FROM unnest(c.margins) x))::text, 'no snapshot') || ' × ' || o.quantity || ' → ' || o.total AS found
  FROM orders o LEFT JOIN order_cost c ON c.station_id = o.station_id AND c.order_id = o.id
 WHERE c.order_id IS NULL OR c.cost + (SELECT coalesce(sum(x), 0) FROM unnest(c.margins) x) <> o.unit_price
    OR o.total <> o.unit_price * o.quantity OR o.payable <> (o.total + 50) / 100 * 100

-- check: orders_keep_their_price | 有效订单实收减退款恰为应付，其余订单为零
SELECT 'order:' || o.station_id || ':' || o.id || ' ' || o.state AS subject,
       (CASE WHEN o.state IN ('pending_payment','cancelled','expired','refunding','refunded') THEN 0 ELSE o.payable END)::text AS expected,
       (coalesce(c.collected, 0) - coalesce(r.refunded, 0))::text AS found
  FROM orders o
  LEFT JOIN (SELECT station_id, order_id, sum(amount) AS collected FROM transfer WHERE kind IN ('payment.collect','wallet.pay') AND order_id IS NOT NULL GROUP BY 1, 2) c
    ON c.station_id = o.station_id AND c.order_id = o.id
  LEFT JOIN (SELECT station_id, order_id, sum(amount) AS refunded FROM refund GROUP BY 1, 2) r ON r.station_id = o.station_id AND r.order_id = o.id
 WHERE coalesce(c.collected, 0) - coalesce(r.refunded, 0)
    <> CASE WHEN o.state IN ('pending_payment','cancelled','expired','refunding','refunded') THEN 0 ELSE o.payable END

-- check: refunding_orders_wait | 退款中的订单还有未完成的退款，已退款的订单没有
SELECT 'order:' || o.station_id || ':' || o.id AS subject, CASE o.state WHEN 'refunding' THEN 'an open refund' ELSE 'none' END AS expected,
       coalesce(r.states, 'none') AS found
  FROM orders o LEFT JOIN (SELECT station_id, order_id, string_agg(reason || ' ' || state, ', ') AS states, bool_or(state <> 'succeeded') AS waits,
      bool_or(state <> 'succeeded' AND reason <> 'paid_twice') AS owes FROM refund GROUP BY 1, 2) r ON r.station_id = o.station_id AND r.order_id = o.id
 WHERE o.state = 'refunding' AND NOT coalesce(r.waits, false) OR o.state = 'refunded' AND coalesce(r.owes, true)

-- check: sales_posted | 已发货的订单按快照过账：成本、各级毛利、取整
SELECT 'order:' || o.station_id || ':' || o.id AS subject,
       (CASE WHEN o.state IN ('delivered','completed') THEN o.payable ELSE 0 END)::text AS expected, coalesce(m.amount, 0)::text AS found
  FROM orders o LEFT JOIN (
    SELECT t.station_id, t.order_id, sum(CASE WHEN d.kind = 'order_clearing' THEN t.amount ELSE -t.amount END) AS amount
      FROM transfer t JOIN account d ON d.id = t.debit_account WHERE t.kind LIKE 'sale.%' GROUP BY 1, 2) m ON m.station_id = o.station_id AND m.order_id = o.id
 WHERE coalesce(m.amount, 0) <> CASE WHEN o.state IN ('delivered','completed') THEN o.payable ELSE 0 END

-- check: margins_explained | 各站待结算毛利等于其订单快照之和
SELECT 'station:' || coalesce(w.party, p.party) AS subject, coalesce(w.amount, 0)::text AS expected, coalesce(p.amount, 0)::text AS found FROM (
  SELECT u.party, sum(u.margin * o.quantity) AS amount FROM orders o JOIN order_cost oc ON oc.station_id = o.station_id AND oc.order_id = o.id
    CROSS JOIN LATERAL unnest(oc.parties, oc.margins) AS u(party, margin) WHERE o.state IN ('delivered','completed') GROUP BY u.party) w
FULL JOIN (
  SELECT a.station_id AS party, sum(CASE WHEN t.credit_account = a.id THEN t.amount ELSE -t.amount END) AS amount
    FROM transfer t JOIN account a ON a.id IN (t.debit_account, t.credit_account) AND a.kind IN ('margin_pending', 'revenue')
   WHERE t.kind = 'sale.margin' GROUP BY a.station_id) p ON p.party = w.party
 WHERE coalesce(w.amount, 0) <> coalesce(p.amount, 0)

-- check: collections_explained | 每笔到账对应一张成功的支付单
SELECT 'attempt:' || a.station_id || ':' || a.id AS subject,
       (CASE WHEN a.state = 'succeeded' THEN a.amount * (1 + coalesce(x.extra, 0)) ELSE 0 END)::text AS expected, coalesce(m.amount, 0)::text AS found
  FROM payment_attempt a
  LEFT JOIN (SELECT station_id, attempt_id, count(*) AS extra FROM refund r WHERE reason = 'paid_twice'
     AND provider_ref <> (SELECT provider_ref FROM payment_attempt p WHERE p.station_id = r.station_id AND p.id = r.attempt_id) GROUP BY 1, 2) x
    ON x.station_id = a.station_id AND x.attempt_id = a.id
  LEFT JOIN (SELECT station_id, attempt_id, sum(amount) AS amount FROM transfer WHERE kind IN ('payment.collect','wallet.pay') GROUP BY 1, 2) m
    ON m.station_id = a.station_id AND m.attempt_id = a.id
 WHERE coalesce(m.amount, 0) <> CASE WHEN a.state = 'succeeded' THEN a.amount * (1 + coalesce(x.extra, 0)) ELSE 0 END

-- check: refunds_explained | 待退款逐单解释，退款总额不超过实收
SELECT 'refund:' || r.station_id || ':' || r.id AS subject, (CASE WHEN r.state = 'succeeded' THEN 0 ELSE r.amount END)::text AS expected, coalesce(m.amount, 0)::text AS found
  FROM refund r LEFT JOIN (
    SELECT t.station_id, t.refund_id, sum(CASE WHEN c.kind = 'refund_payable' THEN t.amount ELSE -t.amount END) AS amount
      FROM transfer t JOIN account c ON c.id = t.credit_account WHERE t.refund_id IS NOT NULL GROUP BY 1, 2) m ON m.station_id = r.station_id AND m.refund_id = r.id
 WHERE coalesce(m.amount, 0) <> CASE WHEN r.state = 'succeeded' THEN 0 ELSE r.amount END
UNION ALL
SELECT 'attempt:' || a.station_id || ':' || a.id, '≤ ' || c.collected, r.refunded::text FROM payment_attempt a
  JOIN (SELECT station_id, attempt_id, sum(amount) AS refunded FROM refund GROUP BY 1, 2) r ON r.station_id = a.station_id AND r.attempt_id = a.id
  LEFT JOIN (SELECT station_id, attempt_id, sum(amount) AS collected FROM transfer WHERE kind IN ('payment.collect','wallet.pay') GROUP BY 1, 2) c
    ON c.station_id = a.station_id AND c.attempt_id = a.id
 WHERE r.refunded > coalesce(c.collected, 0)

-- check: cards_match_orders | 已发货的卡密订单恰有那么多张卡，其余订单没有已售卡
SELECT 'order:' || o.station_id || ':' || o.id AS subject,
       (CASE WHEN o.kind = 'card' AND o.state IN ('delivered','completed') THEN o.quantity ELSE 0 END)::text AS expected, coalesce(c.sold, 0)::text AS found
  FROM orders o LEFT JOIN (SELECT station_id, order_id, count(*) AS sold FROM card WHERE status = 2 GROUP BY 1, 2) c ON c.station_id = o.station_id AND c.order_id = o.id
 WHERE coalesce(c.sold, 0) <> CASE WHEN o.kind = 'card' AND o.state IN ('delivered','completed') THEN o.quantity ELSE 0 END

-- check: cards_of_right_sku | 每张已售或占用的卡属于一张订单，规格相同
SELECT 'card:' || c.id AS subject, coalesce(o.sku_id::text, 'an order') AS expected, CASE WHEN o.id IS NULL THEN 'none' ELSE c.sku_id::text END AS found
  FROM card c LEFT JOIN orders o ON o.station_id = c.station_id AND o.id = c.order_id
 WHERE c.status IN (1, 2) AND (o.id IS NULL OR c.sku_id <> o.sku_id)

-- check: holds_match_orders | 待付款的卡密订单恰好占用所订的卡，冻结的订单不超过，其余没有
SELECT 'order:' || o.station_id || ':' || o.id || ' ' || o.state AS subject,
       (CASE WHEN o.state IN ('pending_payment','held') AND o.kind = 'card' THEN o.quantity ELSE 0 END)::text AS expected, coalesce(c.held, 0)::text AS found
  FROM orders o LEFT JOIN (SELECT station_id, order_id, count(*) AS held FROM card WHERE status = 1 GROUP BY 1, 2) c ON c.station_id = o.station_id AND c.order_id = o.id
 WHERE CASE WHEN o.kind = 'card' AND o.state = 'pending_payment' THEN coalesce(c.held, 0) <> o.quantity
            WHEN o.kind = 'card' AND o.state = 'held' THEN coalesce(c.held, 0) NOT IN (0, o.quantity) -- paid late: its cards had gone back
            ELSE coalesce(c.held, 0) <> 0 END
