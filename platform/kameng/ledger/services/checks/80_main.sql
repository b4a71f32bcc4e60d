-- Accounts of the main station that have no floor: each is explained too, so that no kind of account is left out.

-- check: margins_explained | 各站毛利合计等于其订单快照减去退回的份额 | whole
SELECT 'station:' || coalesce(w.party, p.party) AS subject, coalesce(w.amount, 0)::text AS expected, coalesce(p.amount, 0)::text AS found FROM (
  SELECT party, sum(amount - returned) AS amount FROM parts WHERE party > 0 GROUP BY party) w
FULL JOIN (
  SELECT a.station_id AS party, sum(l.amount) AS amount FROM lines l JOIN account a ON a.id = l.account_id AND a.kind <> 'order_clearing'
   WHERE l.kind IN ('sale.margin','return.margin') GROUP BY a.station_id) p ON p.party = w.party
 WHERE coalesce(w.amount, 0) <> coalesce(p.amount, 0)

-- check: main_accounts_explained | 主站收入、货款成本、手续费、取整、赠送、调账、账单差额逐项解释 | whole
SELECT w.kind AS subject, coalesce(w.amount, 0)::text AS expected, w.balance::text AS found FROM (
  SELECT kind, sum(amount) FILTER (WHERE NOT is_balance) AS amount, coalesce(sum(amount) FILTER (WHERE is_balance), 0) AS balance FROM (
    SELECT CASE WHEN party IS NULL THEN 'goods_cost' WHEN party = 0 THEN 'rounding' ELSE 'revenue' END AS kind, sum(amount - returned)::numeric AS amount, false AS is_balance
      FROM parts WHERE party IS NULL OR party = 1 OR party = 0 AND NOT own GROUP BY 1
    UNION ALL SELECT 'goods_cost', -sum(cost - refunded), false FROM bought
    UNION ALL SELECT 'revenue', sum(fee), false FROM settlement WHERE state = 'released'
    UNION ALL SELECT 'revenue', sum(fee), false FROM withdrawal WHERE state = 'succeeded'
    UNION ALL SELECT 'revenue', sum(amount), false FROM adjustment WHERE state = 'done' AND credit_kind = 'revenue'
    UNION ALL SELECT 'gateway_fee', -sum(a.fee * (1 + (SELECT count(*) FROM refund r WHERE r.station_id = a.station_id AND r.attempt_id = a.id
        AND r.reason = 'paid_twice' AND r.provider_ref <> a.provider_ref))), false
      FROM payment_attempt a WHERE a.state = 'succeeded' AND a.plugin_id <> 'payment-balance' AND a.account_station_id = 1
    UNION ALL SELECT 'gateway_fee', sum(gateway_fee), false FROM settlement WHERE state = 'released'
    UNION ALL SELECT 'gateway_fee', -sum(fee_posted), false FROM bill
    UNION ALL SELECT 'gateway_difference', -sum(posted), false FROM bill_difference
    UNION ALL SELECT 'bonus', -sum(amount), false FROM bonus_grant WHERE state = 'granted' AND station_id = 1
    UNION ALL SELECT 'adjustment', sum(CASE WHEN credit_kind = 'adjustment' THEN amount ELSE -amount END), false FROM adjustment
      WHERE state = 'done' AND 'adjustment' IN (debit_kind, credit_kind)
    UNION ALL SELECT a.kind, sum(l.amount), true FROM account a JOIN lines l ON l.account_id = a.id
      WHERE a.kind IN ('revenue','goods_cost','gateway_fee','rounding','bonus','adjustment','gateway_difference') GROUP BY 1
  ) s GROUP BY 1) w
 WHERE coalesce(w.amount, 0) <> w.balance
