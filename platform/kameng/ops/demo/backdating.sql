-- Dates the demo's orders back; run by the owner. moment(station_id, order_id, at, pay, hand), wallet_moment(station_id, attempt_no, at).
UPDATE orders o SET created_at = m.at, expires_at = m.at + interval '15 minutes', updated_at = m.at + m.pay,
       order_no = to_char(m.at, 'YYMM') || substr(o.order_no, 5),
       paid_at = CASE WHEN paid_at IS NOT NULL THEN m.at + m.pay END,
       delivered_at = CASE WHEN delivered_at IS NULL THEN NULL
                           WHEN o.kind = 'card' AND o.risk = 'allow' THEN m.at + m.pay + (delivered_at - paid_at)
                           ELSE m.at + m.pay + m.hand END,
       deadline_at = CASE WHEN state IN ('paid','fulfilling','held','refunding') THEN deadline_at ELSE m.at + interval '15 minutes' END
  FROM moment m WHERE o.station_id = m.station_id AND o.id = m.order_id;
UPDATE order_event e SET at = m.at + CASE WHEN e.to_state = 'pending_payment' THEN interval '0' ELSE m.pay END
       + CASE WHEN e.actor LIKE 'staff:%' OR e.from_state = 'fulfilling' THEN m.hand ELSE least(e.at - f.first, interval '2 seconds') END
  FROM moment m, LATERAL (SELECT min(at) AS first FROM order_event x WHERE x.station_id = m.station_id AND x.order_id = m.order_id) f
 WHERE e.station_id = m.station_id AND e.order_id = m.order_id;
UPDATE payment_attempt a SET created_at = m.at + interval '3 seconds', sent_at = m.at + interval '4 seconds', paid_at = m.at + m.pay,
       closed_at = m.at + m.pay, expires_at = m.at + interval '15 minutes', next_query_at = NULL
  FROM moment m WHERE a.station_id = m.station_id AND a.order_id = m.order_id;
UPDATE transfer t SET at = m.at + m.pay FROM moment m WHERE t.station_id = m.station_id AND t.order_id = m.order_id;
UPDATE settlement s SET created_at = m.at + m.pay,
       due_at = (date_trunc('day', (m.at + m.pay) AT TIME ZONE 'Asia/Shanghai') + interval '1 day') AT TIME ZONE 'Asia/Shanghai'
  FROM moment m WHERE s.order_station_id = m.station_id AND s.order_id = m.order_id;
UPDATE card c SET sold_at = m.at + m.pay FROM moment m WHERE c.station_id = m.station_id AND c.order_id = m.order_id AND c.status = 2;
-- Several attempts came one after the other, each with its own time.
UPDATE purchase p SET created_at = m.at + m.pay + t.before, sent_at = m.at + m.pay + t.before, done_at = CASE WHEN done_at IS NOT NULL THEN m.at + m.pay + t.until END
  FROM moment m CROSS JOIN generate_series(1, 3) a(attempt) CROSS JOIN LATERAL (
    SELECT make_interval(secs => coalesce((SELECT sum(s) FROM unnest(m.hands[:a.attempt - 1]) s), 0)) AS before,
           coalesce(make_interval(secs => (SELECT sum(s) FROM unnest(m.hands[:a.attempt]) s)), m.hand) AS until) t
 WHERE p.station_id = m.station_id AND p.order_id = m.order_id AND p.attempt = a.attempt;
UPDATE order_event e SET at = p.done_at FROM purchase p WHERE e.reason = 'purchase declined' AND p.station_id = e.station_id AND p.purchase_no = e.detail ->> 'purchase_no';
UPDATE transfer t SET at = p.done_at FROM purchase p WHERE t.purchase_id = p.id AND t.station_id = p.station_id;
-- What went over the line, but for its text.
INSERT INTO purchase_exchange(station_id, purchase_id, step, outcome, code, message, elapsed_ms, at)
  SELECT p.station_id, p.id, x.step, x.outcome, x.code, x.message, 80 + (p.id * 7919) % 900, x.at FROM purchase p JOIN supply_connection c ON c.id = p.connection_id AND c.plugin_id <> 'supplier-manual'
   CROSS JOIN LATERAL (VALUES ('purchase', CASE WHEN p.queries > 0 THEN 'unknown' ELSE 'pending' END, CASE WHEN p.queries > 0 THEN 'no_answer' ELSE '' END, '', p.sent_at),
     ('query', p.state, p.code, p.message, p.done_at)) x(step, outcome, code, message, at) WHERE p.done_at IS NOT NULL ORDER BY x.at;
UPDATE refund r SET created_at = m.at + m.pay + m.hand
  FROM moment m WHERE r.station_id = m.station_id AND r.order_id = m.order_id;
UPDATE payment_attempt a SET created_at = w.at, sent_at = w.at, paid_at = w.at, closed_at = w.at, expires_at = w.at, next_query_at = NULL
  FROM wallet_moment w WHERE a.station_id = w.station_id AND a.attempt_no = w.attempt_no;
UPDATE transfer t SET at = w.at FROM wallet_moment w JOIN payment_attempt a ON a.station_id = w.station_id AND a.attempt_no = w.attempt_no
 WHERE t.station_id = a.station_id AND t.attempt_id = a.id;
UPDATE member SET created_at = now() - interval '92 days' + id * interval '3 hours';
UPDATE station SET created_at = now() - interval '100 days', opened_at = now() - interval '95 days';
UPDATE staff SET created_at = now() - interval '100 days';
UPDATE card_batch SET created_at = now() - interval '91 days', finished_at = now() - interval '91 days';
UPDATE risk_decision SET at = now() - interval '22 minutes' + id * interval '4 seconds';
UPDATE cost_change SET at = now() - interval '91 days';
DELETE FROM ledger_seal; -- the sealer may have been at work meanwhile; it begins anew with the times as they are now
