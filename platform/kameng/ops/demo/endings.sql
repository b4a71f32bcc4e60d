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
DELETE FROM ledger_seal; -- the sealer may have been at work meanwhile; it begins anew with the times as they are now
