-- Orders: what was paid, what was split, what was given back.

-- check: snapshots_sum_up | 每单的成本与各级毛利之和等于单价，应付等于取整后的总价 | orders
SELECT 'order:' || o.station_id || ':' || o.id AS subject, o.unit_price || ' × ' || o.quantity || ' → ' || o.payable AS expected,
       coalesce((c.cost + (SELECT coalesce(sum(x), 0) FROM unnest(c.margins) x))::text, 'no snapshot') || ' × ' || o.quantity || ' → ' || o.total AS found
  FROM orders o LEFT JOIN order_cost c ON c.station_id = o.station_id AND c.order_id = o.id
 WHERE c.order_id IS NULL OR c.cost + (SELECT coalesce(sum(x), 0) FROM unnest(c.margins) x) <> o.unit_price
    OR o.total <> o.unit_price * o.quantity OR o.payable <> (o.total + 50) / 100 * 100

-- check: orders_keep_their_price | 有效订单实收减退款恰为应付减已退，其余订单为零 | orders
SELECT 'order:' || o.station_id || ':' || o.id || ' ' || o.state AS subject,
       (CASE WHEN o.waiting OR o.sold OR o.state = 'failed' THEN o.payable - o.refunded ELSE 0 END)::text AS expected,
       (coalesce(c.collected, 0) - coalesce(r.refunded, 0))::text AS found
  FROM orders o
  LEFT JOIN (SELECT station_id, order_id, sum(amount) AS collected FROM transfer WHERE kind IN ('payment.collect','wallet.pay') AND order_id IS NOT NULL GROUP BY 1, 2) c
    ON c.station_id = o.station_id AND c.order_id = o.id
  LEFT JOIN (SELECT station_id, order_id, sum(amount) AS refunded FROM refund GROUP BY 1, 2) r ON r.station_id = o.station_id AND r.order_id = o.id
 WHERE coalesce(c.collected, 0) - coalesce(r.refunded, 0) <> CASE WHEN o.waiting OR o.sold OR o.state = 'failed' THEN o.payable - o.refunded ELSE 0 END
    OR o.refunded <> 0 AND NOT o.sold OR o.sold AND o.state IN ('refunding','refunded') AND o.refunded <> o.payable

-- check: refunding_orders_wait | 退款中的订单还有未完成的退款，已退款的订单没有 | orders
SELECT 'order:' || o.station_id || ':' || o.id AS subject, CASE o.state WHEN 'refunding' THEN 'an open refund' ELSE 'none' END AS expected,
       coalesce(r.states, 'none') AS found
  FROM orders o LEFT JOIN (SELECT station_id, order_id, string_agg(reason || ' ' || state, ', ') AS states, bool_or(state <> 'succeeded') AS waits,
      bool_or(state <> 'succeeded' AND reason <> 'paid_twice') AS owes FROM refund GROUP BY 1, 2) r ON r.station_id = o.station_id AND r.order_id = o.id
 WHERE o.state = 'refunding' AND NOT coalesce(r.waits, false) OR o.state = 'refunded' AND coalesce(r.owes, true)

-- check: sales_posted | 已发货的订单按应付过账，已退的部分按退款退回 | orders
SELECT 'order:' || o.station_id || ':' || o.id AS subject,
       (CASE WHEN o.sold THEN o.payable ELSE 0 END)::text || ' − ' || o.refunded AS expected, coalesce(m.sold, 0)::text || ' − ' || coalesce(m.returned, 0) AS found
  FROM orders o LEFT JOIN (
    SELECT l.station_id, l.order_id, -sum(l.amount) FILTER (WHERE l.kind LIKE 'sale.%') AS sold, sum(l.amount) FILTER (WHERE l.kind LIKE 'return.%') AS returned
      FROM lines l JOIN account a ON a.id = l.account_id AND a.kind = 'order_clearing' WHERE l.kind LIKE 'sale.%' OR l.kind LIKE 'return.%' GROUP BY 1, 2
    ) m ON m.station_id = o.station_id AND m.order_id = o.id
 WHERE coalesce(m.sold, 0) <> CASE WHEN o.sold THEN o.payable ELSE 0 END OR coalesce(m.returned, 0) <> o.refunded

-- check: splits_explained | 每单的成本、各级毛利、取整等于快照减去退款中退回的份额 | orders
SELECT 'order:' || coalesce(w.station_id, m.station_id) || ':' || coalesce(w.order_id, m.order_id) || ' ' ||
       CASE coalesce(w.party, m.party) WHEN -1 THEN 'cost' WHEN 0 THEN 'rounding' ELSE 'station ' || coalesce(w.party, m.party) END AS subject,
       coalesce(w.amount, 0)::text AS expected, coalesce(m.amount, 0)::text AS found
  FROM (SELECT station_id, order_id, coalesce(party, -1) AS party, amount - returned AS amount FROM parts) w
  FULL JOIN (
    SELECT t.station_id, t.order_id, CASE split_part(t.kind, '.', 2) WHEN 'cost' THEN -1 WHEN 'rounding' THEN 0 ELSE x.station_id END AS party, sum(x.amount) AS amount
      FROM transfer t JOIN account d ON d.id = t.debit_account JOIN account c ON c.id = t.credit_account
     CROSS JOIN LATERAL (SELECT CASE WHEN d.kind = 'order_clearing' THEN c.station_id ELSE d.station_id END AS station_id,
        CASE WHEN d.kind = 'order_clearing' THEN t.amount ELSE -t.amount END AS amount) x
     WHERE t.kind IN ('sale.cost','sale.margin','sale.rounding','return.cost','return.margin','return.rounding') GROUP BY 1, 2, 3
    ) m ON m.station_id = w.station_id AND m.order_id = w.order_id AND m.party = w.party
 WHERE coalesce(w.amount, 0) <> coalesce(m.amount, 0)

-- check: rows_belong_somewhere | 订单的会员与规格都在，支付单、成本、卡密、结算都有自己的订单 | whole
SELECT 'order:' || o.station_id || ':' || o.id AS subject, 'a SKU and a member' AS expected, 'sku ' || o.sku_id || ', member ' || coalesce(o.member_id::text, '–') AS found
  FROM orders o LEFT JOIN sku s ON s.id = o.sku_id LEFT JOIN member m ON m.station_id = o.station_id AND m.id = o.member_id
 WHERE s.id IS NULL OR o.member_id IS NOT NULL AND m.id IS NULL
UNION ALL
SELECT x.subject || x.station_id || ':' || x.id, 'an order', 'order ' || x.order_id FROM (
  SELECT 'attempt:' AS subject, station_id, id, station_id AS seller, order_id FROM payment_attempt WHERE order_id IS NOT NULL
  UNION ALL SELECT 'cost:', station_id, order_id, station_id, order_id FROM order_cost
  UNION ALL SELECT 'card:', station_id, id, station_id, order_id FROM card WHERE order_id IS NOT NULL
  UNION ALL SELECT 'settlement:', station_id, id, order_station_id, order_id FROM settlement) x
 WHERE NOT EXISTS (SELECT 1 FROM orders o WHERE o.station_id = x.seller AND o.id = x.order_id)
