-- Run by the owner after orders were expired, completed and refunded: each ending gets the time at which it was due.
UPDATE order_event e SET at = o.expires_at FROM orders o
 WHERE o.station_id = e.station_id AND o.id = e.order_id AND e.to_state = 'expired';
UPDATE order_event e SET at = o.delivered_at + interval '7 days' FROM orders o
 WHERE o.station_id = e.station_id AND o.id = e.order_id AND e.to_state = 'completed';
UPDATE refund SET done_at = created_at + make_interval(secs => 60 + (id * 7919) % 300) WHERE done_at IS NOT NULL;
UPDATE order_event e SET at = r.done_at FROM refund r
 WHERE r.station_id = e.station_id AND r.order_id = e.order_id AND e.to_state = 'refunded';
UPDATE transfer t SET at = r.done_at FROM refund r WHERE t.station_id = r.station_id AND t.refund_id = r.id AND t.kind LIKE 'refund.pay%';
UPDATE orders o SET updated_at = e.at FROM (SELECT station_id, order_id, max(at) AS at FROM order_event GROUP BY 1, 2) e
 WHERE e.station_id = o.station_id AND e.order_id = o.id;
UPDATE settlement SET released_at = due_at + make_interval(secs => id % 50) WHERE state = 'released';
UPDATE transfer t SET at = s.released_at FROM settlement s WHERE t.txn = 'settlement:' || s.station_id || ':' || s.id || ':release';
-- The withdrawal that was paid: asked for six days ago, agreed to and paid on the next day.
UPDATE withdrawal SET created_at = now() - interval '6 days', approved_at = now() - interval '5 days 2 hours', sent_at = now() - interval '5 days', done_at = now() - interval '5 days'
 WHERE state = 'succeeded';
UPDATE withdrawal SET created_at = now() - interval '3 hours' WHERE state = 'created';
UPDATE approval a SET created_at = w.created_at, expires_at = w.created_at + interval '7 days', decided_at = w.approved_at FROM withdrawal w
 WHERE a.station_id = w.station_id AND a.kind = 'withdrawal' AND a.subject = w.id::text;
UPDATE approval_vote v SET at = a.decided_at FROM approval a WHERE v.station_id = a.station_id AND v.approval_id = a.id AND a.decided_at IS NOT NULL;
UPDATE transfer t SET at = CASE WHEN t.txn LIKE '%:hold' THEN w.created_at ELSE w.done_at END FROM withdrawal w
 WHERE t.txn IN ('withdrawal:' || w.station_id || ':' || w.id || ':hold', 'withdrawal:' || w.station_id || ':' || w.id || ':pay');
-- What suppliers were paid, and what one of them gave back after a quarrel.
UPDATE transfer t SET at = (p.paid_on + time '15:40') AT TIME ZONE 'Asia/Shanghai' FROM supplier_payment p WHERE t.txn = 'supplier:' || p.supplier_id || ':payment:' || p.id;
UPDATE transfer SET at = now() - interval '4 days 20 hours' WHERE kind = 'purchase.refund';
DELETE FROM ledger_seal; -- the sealer may have been at work meanwhile; it begins anew with the times as they are now
