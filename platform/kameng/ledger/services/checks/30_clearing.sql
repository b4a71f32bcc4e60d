-- Money on its way: what lies between a shopper, an order, a refund and a gateway.

-- check: order_clearing_explained | 订单暂收逐单解释：未履约的等于应付，其余为零 | orders
SELECT 'order:' || o.station_id || ':' || o.id AS subject,
       (CASE WHEN o.waiting THEN o.payable ELSE 0 END)::text AS expected, coalesce(m.amount, 0)::text AS found
  FROM orders o LEFT JOIN (
    SELECT l.station_id, l.order_id, sum(l.amount) AS amount
      FROM lines l JOIN account a ON a.id = l.account_id AND a.kind = 'order_clearing'
     WHERE l.order_id IS NOT NULL GROUP BY 1, 2) m ON m.station_id = o.station_id AND m.order_id = o.id
 WHERE coalesce(m.amount, 0) <> CASE WHEN o.waiting THEN o.payable ELSE 0 END

-- check: clearing_totals_explained | 暂收、待退款、分站自收的余额都有订单或退款单对应 | whole
SELECT 'account:' || a.id || ' ' || a.kind || ' ' || a.ref AS subject, coalesce(w.amount, 0)::text AS expected, coalesce(m.amount, 0)::text AS found
  FROM account a LEFT JOIN (
    SELECT 'order_clearing' AS kind, station_id, sum(payable) AS amount FROM orders WHERE waiting GROUP BY 2
    UNION ALL
    SELECT 'refund_payable', station_id, sum(amount) FROM refund WHERE state <> 'succeeded' GROUP BY 2
    UNION ALL
    SELECT 'station_gateway', s.station_id, sum(s.amount) FROM (
      SELECT o.station_id, CASE WHEN o.funded THEN d.amount ELSE 0 END - o.payable AS amount
        FROM orders o LEFT JOIN due d ON d.station_id = o.station_id AND d.order_id = o.id WHERE o.own AND o.waiting
      UNION ALL
      SELECT r.station_id, -r.amount FROM refund r JOIN payment_attempt p ON p.station_id = r.station_id AND p.id = r.attempt_id
       WHERE p.account_station_id <> 1 AND r.state <> 'succeeded') s GROUP BY s.station_id
    ) w ON w.kind = a.kind AND w.station_id = a.station_id AND a.ref = ''
  LEFT JOIN (SELECT account_id, sum(amount) AS amount FROM lines GROUP BY account_id) m ON m.account_id = a.id
 WHERE a.kind IN ('order_clearing','refund_payable','station_gateway') AND coalesce(m.amount, 0) <> coalesce(w.amount, 0)

-- check: gateways_explained | 每个渠道账户的往来等于到账减手续费，再减退款、提现与供应商付款，加账单差额 | whole
SELECT 'gateway:' || coalesce(w.account, m.account) AS subject, coalesce(w.amount, 0)::text AS expected, coalesce(m.amount, 0)::text AS found FROM (
  SELECT account, sum(amount) AS amount FROM (
    SELECT a.plugin_id || CASE a.account WHEN '' THEN '' ELSE ':' || a.account END AS account, (a.fee - a.amount) * (1 + (
        SELECT count(*) FROM refund r WHERE r.station_id = a.station_id AND r.attempt_id = a.id AND r.reason = 'paid_twice' AND r.provider_ref <> a.provider_ref)) AS amount
      FROM payment_attempt a WHERE a.state = 'succeeded' AND a.plugin_id <> 'payment-balance' AND a.account_station_id = 1
    UNION ALL
    SELECT CASE WHEN r.by_hand <> '' THEN 'hand' ELSE a.plugin_id || CASE a.account WHEN '' THEN '' ELSE ':' || a.account END END, r.amount
      FROM refund r JOIN payment_attempt a ON a.station_id = r.station_id AND a.id = r.attempt_id
     WHERE r.state = 'succeeded' AND a.plugin_id <> 'payment-balance' AND a.account_station_id = 1
    UNION ALL
    SELECT CASE x.plugin_id WHEN '' THEN 'hand' ELSE x.plugin_id || CASE x.account WHEN '' THEN '' ELSE ':' || x.account END END, x.amount - x.fee
      FROM withdrawal x WHERE x.state = 'succeeded'
    UNION ALL
    SELECT 'hand', amount FROM supplier_payment WHERE state = 'done'
    UNION ALL
    SELECT b.plugin_id || CASE b.account WHEN '' THEN '' ELSE ':' || b.account END, b.fee_posted + (
        SELECT coalesce(sum(d.posted), 0) FROM bill_difference d WHERE d.station_id = b.station_id AND d.bill_id = b.id) FROM bill b WHERE b.station_id = 1
    ) s GROUP BY account) w
FULL JOIN (
  SELECT a.ref AS account, sum(l.amount) AS amount FROM lines l JOIN account a ON a.id = l.account_id AND a.kind = 'gateway_clearing' GROUP BY 1
  ) m ON m.account = w.account
 WHERE coalesce(w.amount, 0) <> coalesce(m.amount, 0)

-- check: collections_explained | 每笔到账对应一张成功的支付单 | attempts
SELECT 'attempt:' || a.station_id || ':' || a.id AS subject,
       (CASE WHEN a.state = 'succeeded' THEN a.amount * (1 + coalesce(x.extra, 0)) ELSE 0 END)::text AS expected, coalesce(m.amount, 0)::text AS found
  FROM payment_attempt a
  LEFT JOIN (SELECT r.station_id, r.attempt_id, count(*) AS extra FROM refund r JOIN payment_attempt p ON p.station_id = r.station_id AND p.id = r.attempt_id
     WHERE r.reason = 'paid_twice' AND r.provider_ref <> p.provider_ref GROUP BY 1, 2) x ON x.station_id = a.station_id AND x.attempt_id = a.id
  LEFT JOIN (SELECT station_id, attempt_id, sum(amount) AS amount FROM transfer WHERE kind IN ('payment.collect','wallet.pay') GROUP BY 1, 2) m
    ON m.station_id = a.station_id AND m.attempt_id = a.id
 WHERE coalesce(m.amount, 0) <> CASE WHEN a.state = 'succeeded' THEN a.amount * (1 + coalesce(x.extra, 0)) ELSE 0 END

-- check: refunds_explained | 待退款逐单解释，退款总额不超过实收 | attempts
SELECT 'refund:' || r.station_id || ':' || r.id AS subject, (CASE WHEN r.state = 'succeeded' THEN 0 ELSE r.amount END)::text AS expected, coalesce(m.amount, 0)::text AS found
  FROM refund r LEFT JOIN (
    SELECT t.station_id, t.refund_id, sum(CASE WHEN t.kind = 'refund.reserve' THEN t.amount ELSE -t.amount END) AS amount
      FROM transfer t WHERE t.refund_id IS NOT NULL AND t.kind LIKE 'refund.%' GROUP BY 1, 2) m ON m.station_id = r.station_id AND m.refund_id = r.id
 WHERE coalesce(m.amount, 0) <> CASE WHEN r.state = 'succeeded' THEN 0 ELSE r.amount END
UNION ALL
SELECT 'attempt:' || a.station_id || ':' || a.id, '≤ ' || coalesce(c.collected, 0), r.refunded::text FROM payment_attempt a
  JOIN (SELECT station_id, attempt_id, sum(amount) AS refunded FROM refund GROUP BY 1, 2) r ON r.station_id = a.station_id AND r.attempt_id = a.id
  LEFT JOIN (SELECT station_id, attempt_id, sum(amount) AS collected FROM transfer WHERE kind IN ('payment.collect','wallet.pay') GROUP BY 1, 2) c
    ON c.station_id = a.station_id AND c.attempt_id = a.id
 WHERE r.refunded > coalesce(c.collected, 0)
