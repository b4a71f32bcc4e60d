-- Stations: what they have paid in, hold themselves, earn, and take out.

-- check: station_gateways_explained | 分站自收的每一单：发货或退清后为零，之前等于分站代持的货款 | orders
SELECT 'order:' || o.station_id || ':' || o.id || ' ' || o.state AS subject, w.amount::text AS expected, coalesce(m.amount, 0)::text AS found
  FROM orders o
  LEFT JOIN due d ON d.station_id = o.station_id AND d.order_id = o.id
  LEFT JOIN (SELECT r.station_id, r.order_id, sum(r.amount) AS amount FROM refund r JOIN payment_attempt a ON a.station_id = r.station_id AND a.id = r.attempt_id
     WHERE a.account_station_id <> 1 AND r.state <> 'succeeded' GROUP BY 1, 2) r ON r.station_id = o.station_id AND r.order_id = o.id
  LEFT JOIN (SELECT l.station_id, l.order_id, sum(l.amount) AS amount FROM lines l JOIN account a ON a.id = l.account_id AND a.kind = 'station_gateway' GROUP BY 1, 2) m
    ON m.station_id = o.station_id AND m.order_id = o.id
 CROSS JOIN LATERAL (SELECT CASE WHEN o.own AND o.waiting THEN CASE WHEN o.funded THEN d.amount ELSE 0 END - o.payable ELSE 0 END - coalesce(r.amount, 0) AS amount) w
 WHERE coalesce(m.amount, 0) <> w.amount

-- check: fundings_explained | 分站自收的订单发货前已从预存款付清上级应得，退回的已退回 | orders
SELECT 'order:' || o.station_id || ':' || o.id || ' ' || o.state AS subject,
       (CASE WHEN o.own AND (o.funded OR o.sold OR o.state = 'fulfilling') THEN d.amount ELSE 0 END)::text AS expected, coalesce(m.amount, 0)::text AS found
  FROM orders o LEFT JOIN due d ON d.station_id = o.station_id AND d.order_id = o.id
  LEFT JOIN (SELECT station_id, order_id, sum(CASE kind WHEN 'fund.order' THEN amount ELSE -amount END) AS amount FROM transfer
     WHERE kind IN ('fund.order','fund.return') GROUP BY 1, 2) m ON m.station_id = o.station_id AND m.order_id = o.id
 WHERE coalesce(m.amount, 0) <> CASE WHEN o.own AND o.funded THEN d.amount ELSE 0 END
    OR o.own AND NOT o.funded AND (o.sold OR o.state = 'fulfilling') OR o.funded AND NOT o.own OR o.collected_by NOT IN (1, o.station_id)

-- check: station_funds_explained | 分站预存款与保证金等于充入，减已付货款与赠送，加退回与调账 | whole
SELECT w.kind || ':' || w.station_id AS subject, w.amount::text AS expected, w.balance::text AS found FROM (
  SELECT kind, station_id, sum(amount) FILTER (WHERE NOT is_balance) AS amount, coalesce(sum(amount) FILTER (WHERE is_balance), 0) AS balance FROM (
    SELECT purpose AS kind, station_id, amount::numeric, false AS is_balance FROM payment_attempt WHERE state = 'succeeded' AND purpose IN ('prepaid','deposit')
    UNION ALL SELECT 'prepaid', o.station_id, -d.amount, false FROM orders o JOIN due d ON d.station_id = o.station_id AND d.order_id = o.id WHERE o.funded
    UNION ALL SELECT 'prepaid', p.station_id, p.returned, false FROM parts p WHERE p.own AND p.party IS DISTINCT FROM p.station_id AND p.party IS DISTINCT FROM 0
    UNION ALL SELECT 'prepaid', station_id, -amount, false FROM bonus_grant WHERE state = 'granted' AND station_id <> 1
    UNION ALL SELECT debit_kind, station_id, -amount, false FROM adjustment WHERE state = 'done' AND debit_kind IN ('prepaid','deposit')
    UNION ALL SELECT credit_kind, station_id, amount, false FROM adjustment WHERE state = 'done' AND credit_kind IN ('prepaid','deposit')
    UNION ALL SELECT a.kind, a.station_id, b.balance, true FROM account a JOIN account_balance b ON b.account_id = a.id WHERE a.kind IN ('prepaid','deposit')
    UNION ALL SELECT a.kind, a.station_id, 0, false FROM account a WHERE a.kind IN ('prepaid','deposit')
  ) s GROUP BY 1, 2) w
 WHERE coalesce(w.amount, 0) <> w.balance

-- check: settlements_match_orders | 每一级在每一单的应得与快照一致，退回的份额也一致 | orders
SELECT 'settlement:' || coalesce(s.station_id, w.party) || ' order:' || coalesce(w.station_id, s.order_station_id) || ':' || coalesce(w.order_id, s.order_id) AS subject,
       coalesce(w.amount || ' − ' || w.returned, 'none') AS expected, coalesce(s.margin || ' − ' || s.returned || ' ' || s.state, 'none') AS found
  FROM (SELECT * FROM parts WHERE party > 1 AND amount <> 0 AND station_id <> 1 AND NOT (own AND party = station_id)) w
  FULL JOIN settlement s ON s.station_id = w.party AND s.order_station_id = w.station_id AND s.order_id = w.order_id
 WHERE w.party IS NULL OR s.id IS NULL OR w.amount <> s.margin OR w.returned <> s.returned
    OR (s.state = 'released') = (s.released_at IS NULL) OR s.state = 'pending' AND (s.fee <> 0 OR s.gateway_fee <> 0)
    OR s.state = 'released' AND s.fee <> CASE WHEN s.margin > s.returned THEN div((s.margin - s.returned)::numeric * s.fee_bp + 5000, 10000) ELSE 0 END

-- check: earnings_explained | 待结算等于未放款的应得，可提现等于已放款减提现，冻结等于在途提现 | whole
SELECT w.kind || ':' || w.station_id AS subject, coalesce(w.amount, 0)::text AS expected, w.balance::text AS found FROM (
  SELECT kind, station_id, sum(amount) FILTER (WHERE NOT is_balance) AS amount, coalesce(sum(amount) FILTER (WHERE is_balance), 0) AS balance FROM (
    SELECT 'margin_pending' AS kind, station_id, (margin - returned)::numeric AS amount, false AS is_balance FROM settlement WHERE state = 'pending'
    UNION ALL SELECT 'available', station_id, margin - returned - fee - gateway_fee, false FROM settlement WHERE state = 'released'
    UNION ALL SELECT 'available', station_id, -amount, false FROM withdrawal WHERE state <> 'declined'
    UNION ALL SELECT 'frozen', station_id, amount, false FROM withdrawal WHERE state IN ('created','sent','unknown')
    UNION ALL SELECT 'available', station_id, -amount, false FROM adjustment WHERE state = 'done' AND debit_kind = 'available'
    UNION ALL SELECT 'available', station_id, amount, false FROM adjustment WHERE state = 'done' AND credit_kind = 'available'
    UNION ALL SELECT a.kind, a.station_id, l.amount, true FROM account a JOIN lines l ON l.account_id = a.id WHERE a.kind IN ('margin_pending','available','frozen')
  ) s GROUP BY 1, 2) w
 WHERE coalesce(w.amount, 0) <> w.balance

-- check: withdrawals_explained | 每笔提现动过的钱与它的状态相符 | whole
SELECT 'withdrawal:' || w.station_id || ':' || w.id || ' ' || w.state AS subject, e.amounts AS expected, coalesce(m.amounts, '0 0 0 0') AS found
  FROM withdrawal w
 CROSS JOIN LATERAL (SELECT CASE w.state WHEN 'declined' THEN '0 0 0 0' WHEN 'succeeded' THEN -w.amount || ' 0 ' || w.amount - w.fee || ' ' || w.fee
      ELSE -w.amount || ' ' || w.amount || ' 0 0' END AS amounts) e
  LEFT JOIN (SELECT split_part(t.txn, ':', 2) AS station, split_part(t.txn, ':', 3) AS id,
      sum(CASE WHEN c.kind = 'available' THEN t.amount WHEN d.kind = 'available' THEN -t.amount ELSE 0 END) || ' ' ||
      sum(CASE WHEN c.kind = 'frozen' THEN t.amount WHEN d.kind = 'frozen' THEN -t.amount ELSE 0 END) || ' ' ||
      sum(CASE WHEN c.kind = 'gateway_clearing' THEN t.amount WHEN d.kind = 'gateway_clearing' THEN -t.amount ELSE 0 END) || ' ' ||
      sum(CASE WHEN c.kind = 'revenue' THEN t.amount WHEN d.kind = 'revenue' THEN -t.amount ELSE 0 END) AS amounts
      FROM transfer t JOIN account d ON d.id = t.debit_account JOIN account c ON c.id = t.credit_account
     WHERE t.kind LIKE 'withdraw.%' GROUP BY 1, 2) m ON m.station = w.station_id::text AND m.id = w.id::text
 WHERE coalesce(m.amounts, '0 0 0 0') <> e.amounts
