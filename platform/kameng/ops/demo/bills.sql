-- The gateways' bills of the last three days, made from the books, for the simulators know nothing of the past. One payment
-- more than we know of stands in yesterday's, so that there is something to reconcile. Gateways without bills have none.
INSERT INTO bill(station_id, plugin_id, account, day, state, lines, collected, refunded, fee, fetched_at, compared_at, next_try_at)
  SELECT a.account_station_id, a.plugin_id, a.account, d.day::date, 'compared', 0, 0, 0, 0, now(), now(), NULL
    FROM (SELECT DISTINCT account_station_id, plugin_id, account FROM payment_attempt WHERE state = 'succeeded' AND plugin_id NOT IN ('payment-balance', 'payment-epay', 'payment-transfer')) a
   CROSS JOIN generate_series((now() AT TIME ZONE 'Asia/Shanghai')::date - 3, (now() AT TIME ZONE 'Asia/Shanghai')::date - 1, interval '1 day') AS d(day)
  ON CONFLICT DO NOTHING;
INSERT INTO bill_line(station_id, bill_id, n, kind, attempt_no, provider_ref, refund_no, refund_ref, amount, fee, done, at)
  SELECT m.station_id, m.bill_id, row_number() OVER (PARTITION BY m.station_id, m.bill_id ORDER BY m.at), m.kind, m.attempt_no, m.provider_ref, m.refund_no, m.refund_ref, m.amount, m.fee, true, m.at
    FROM (
      SELECT b.station_id, b.id AS bill_id, 'payment' AS kind, a.attempt_no, a.provider_ref, '' AS refund_no, '' AS refund_ref, a.amount, a.fee, a.paid_at AS at
        FROM bill b JOIN payment_attempt a ON a.account_station_id = b.station_id AND a.plugin_id = b.plugin_id AND a.account = b.account
       WHERE a.state = 'succeeded' AND (a.paid_at AT TIME ZONE 'Asia/Shanghai')::date = b.day
      UNION ALL
      SELECT b.station_id, b.id, 'payment', a.attempt_no, r.provider_ref, '', '', a.amount, a.fee, r.created_at
        FROM bill b JOIN payment_attempt a ON a.account_station_id = b.station_id AND a.plugin_id = b.plugin_id AND a.account = b.account
        JOIN refund r ON r.station_id = a.station_id AND r.attempt_id = a.id AND r.reason = 'paid_twice' AND r.provider_ref <> a.provider_ref
       WHERE (r.created_at AT TIME ZONE 'Asia/Shanghai')::date = b.day
      UNION ALL
      SELECT b.station_id, b.id, 'refund', a.attempt_no, a.provider_ref, r.refund_no, r.refund_ref, r.amount, NULL, r.done_at
        FROM bill b JOIN payment_attempt a ON a.account_station_id = b.station_id AND a.plugin_id = b.plugin_id AND a.account = b.account
        JOIN refund r ON r.station_id = a.station_id AND r.attempt_id = a.id AND r.state = 'succeeded' AND r.by_hand = ''
       WHERE (r.done_at AT TIME ZONE 'Asia/Shanghai')::date = b.day
      UNION ALL
      SELECT b.station_id, b.id, 'payment', '2611' || lpad((b.id * 7919)::text, 16, '0'), 'SIM-UNKNOWN', '', '', 300000, 0, (b.day + time '15:04') AT TIME ZONE 'Asia/Shanghai'
        FROM bill b WHERE b.id = (SELECT max(id) FROM bill)
    ) m
   WHERE NOT EXISTS (SELECT 1 FROM bill_line l WHERE l.station_id = m.station_id AND l.bill_id = m.bill_id);
UPDATE bill b SET lines = s.n, collected = s.collected, refunded = s.refunded, fee = s.fee FROM (
  SELECT station_id, bill_id, count(*) AS n, coalesce(sum(amount) FILTER (WHERE kind = 'payment'), 0) AS collected, coalesce(sum(amount) FILTER (WHERE kind = 'refund'), 0) AS refunded,
         coalesce(sum(fee), 0) AS fee FROM bill_line GROUP BY 1, 2) s
 WHERE s.station_id = b.station_id AND s.bill_id = b.id;
