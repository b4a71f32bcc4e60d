-- Members, and what people have decided.

-- check: wallets_explained | 每个余额等于充值加赠送减支付，加退回与调账 | whole
SELECT 'wallet:' || coalesce(w.station_id, b.station_id) || ':' || coalesce(w.member, b.member) AS subject, coalesce(w.amount, 0)::text AS expected, coalesce(b.balance, 0)::text AS found FROM (
  SELECT station_id, member, sum(amount) AS amount FROM (
    SELECT station_id, member_id::text AS member, CASE purpose WHEN 'top_up' THEN amount ELSE -amount END AS amount
      FROM payment_attempt WHERE state = 'succeeded' AND (purpose = 'top_up' OR plugin_id = 'payment-balance')
    UNION ALL
    SELECT a.station_id, a.member_id::text, r.amount FROM refund r JOIN payment_attempt a ON a.station_id = r.station_id AND a.id = r.attempt_id
     WHERE r.state = 'succeeded' AND a.plugin_id = 'payment-balance'
    UNION ALL SELECT station_id, member_id::text, amount FROM bonus_grant WHERE state = 'granted'
    UNION ALL SELECT station_id, debit_ref, -amount FROM adjustment WHERE state = 'done' AND debit_kind = 'wallet'
    UNION ALL SELECT station_id, credit_ref, amount FROM adjustment WHERE state = 'done' AND credit_kind = 'wallet') s GROUP BY 1, 2) w
FULL JOIN (SELECT a.station_id, a.ref AS member, b.balance FROM account a JOIN account_balance b ON b.account_id = a.id WHERE a.kind = 'wallet') b
  ON b.station_id = w.station_id AND b.member = w.member
 WHERE coalesce(w.amount, 0) <> coalesce(b.balance, 0)

-- check: bonuses_explained | 每笔充值的赠送只过账一次，金额与记录一致 | attempts
SELECT 'attempt:' || coalesce(g.station_id, m.station_id) || ':' || coalesce(g.attempt_id, m.attempt_id) AS subject,
       (CASE WHEN g.state = 'granted' THEN g.amount ELSE 0 END)::text AS expected, coalesce(m.amount, 0)::text AS found
  FROM bonus_grant g FULL JOIN (SELECT station_id, attempt_id, sum(amount) AS amount FROM transfer WHERE kind = 'wallet.bonus' GROUP BY 1, 2) m
    ON m.station_id = g.station_id AND m.attempt_id = g.attempt_id
 WHERE CASE WHEN g.state = 'granted' THEN g.amount ELSE 0 END <> coalesce(m.amount, 0)

-- check: adjustments_posted | 每笔调账完成才过账，只过一次，金额一致 | whole
SELECT 'adjustment:' || coalesce(a.station_id || ':' || a.id, m.txn) AS subject,
       (CASE WHEN a.state = 'done' THEN a.amount ELSE 0 END)::text AS expected, coalesce(m.amount, 0)::text AS found
  FROM adjustment a FULL JOIN (SELECT txn, sum(amount) AS amount FROM transfer WHERE kind LIKE 'adjust.%' GROUP BY 1) m ON m.txn = 'adjustment:' || a.station_id || ':' || a.id
 WHERE CASE WHEN a.state = 'done' THEN a.amount ELSE 0 END <> coalesce(m.amount, 0)

-- check: two_people_agreed | 调账、提现、供应商付款与账单差额都有另一个人同意过 | whole
SELECT w.kind || ':' || w.station_id || ':' || w.subject AS subject, 'approved by ' || coalesce(a.needed, 1) || ' other than ' || w.asked_by AS expected,
       coalesce(a.state, 'no request') || ' by ' || coalesce(v.others, 0) AS found
  FROM (SELECT 'adjustment' AS kind, station_id, id::text AS subject, requested_by AS asked_by FROM adjustment WHERE state = 'done'
    UNION ALL SELECT 'withdrawal', station_id, id::text, requested_by FROM withdrawal WHERE state IN ('sent','succeeded','unknown') OR approved_at IS NOT NULL
    UNION ALL SELECT 'supplier_payment', 1, id::text, requested_by FROM supplier_payment WHERE state = 'done'
    UNION ALL SELECT 'bill_difference', station_id, asked_as, posted_for FROM bill_difference WHERE posted <> 0) w
  LEFT JOIN approval a ON a.station_id = w.station_id AND a.kind = w.kind AND a.subject = w.subject
  LEFT JOIN LATERAL (SELECT count(*) AS others FROM approval_vote x WHERE x.station_id = a.station_id AND x.approval_id = a.id AND x.agrees
     AND x.actor <> a.requested_by AND x.actor <> w.asked_by) v ON true
 WHERE a.state IS DISTINCT FROM 'approved' OR coalesce(v.others, 0) < greatest(a.needed, 1)
