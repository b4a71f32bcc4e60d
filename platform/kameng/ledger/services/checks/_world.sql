-- What every check may read beside the tables. A run with a moment puts the touched rows in front of it (_touched.sql).
-- orders.sold: its goods have gone out, so the sale is posted, given back or not. orders.waiting: paid, goods not out.
orders AS NOT MATERIALIZED (
  SELECT o.*, o.state IN ('delivered','completed') OR o.state IN ('refunding','refunded') AND o.delivered_at IS NOT NULL AS sold,
         o.state IN ('paid','fulfilling','held','partially_delivered') AS waiting, o.collected_by <> 1 AS own FROM {orders} o),
-- Both sides of every transfer: a balance is the sum of its lines.
lines AS NOT MATERIALIZED (
  SELECT t.debit_account AS account_id, -t.amount AS amount, t.kind, t.station_id, t.order_id, t.xid FROM transfer t
  UNION ALL SELECT t.credit_account, t.amount, t.kind, t.station_id, t.order_id, t.xid FROM transfer t),
-- What the levels above the seller are due for an order that the seller has collected itself.
due AS NOT MATERIALIZED (
  SELECT o.station_id, o.id AS order_id, o.quantity * (c.cost + (
      SELECT coalesce(sum(u.margin), 0) FROM unnest(c.parties, c.margins) AS u(party, margin) WHERE u.party <> o.station_id)) AS amount
    FROM orders o JOIN order_cost c ON c.station_id = o.station_id AND c.order_id = o.id WHERE o.own),
-- The split of a sale, by its snapshot: cost (party NULL), the margin of each level, rounding (party 0); and what of each
-- part has gone back with refunds. Every part but the greatest is cut off towards zero, the greatest bears the rest.
parts AS NOT MATERIALIZED (
  SELECT o.station_id, o.id AS order_id, o.own, l.party, l.amount,
         CASE WHEN o.refunded = 0 THEN 0 WHEN l.n = b.n THEN o.refunded - b.others ELSE div(l.amount::numeric * o.refunded, o.payable)::bigint END AS returned
    FROM orders o JOIN order_cost c ON c.station_id = o.station_id AND c.order_id = o.id
   CROSS JOIN LATERAL (SELECT u.party, u.n, coalesce(u.unit * o.quantity, o.payable - o.total) AS amount
      FROM unnest(NULL::bigint || c.parties || 0::bigint, c.cost || c.margins) WITH ORDINALITY AS u(party, unit, n)) l
    LEFT JOIN LATERAL (SELECT (array_agg(x.n ORDER BY x.amount DESC, x.n))[1] AS n, (sum(x.share) - (array_agg(x.share ORDER BY x.amount DESC, x.n))[1])::bigint AS others
      FROM (SELECT u.n, s.amount, div(s.amount::numeric * o.refunded, o.payable) AS share
        FROM unnest(c.cost || c.margins || NULL::bigint) WITH ORDINALITY AS u(unit, n), LATERAL (SELECT coalesce(u.unit * o.quantity, o.payable - o.total) AS amount) s) x) b ON o.refunded > 0
   WHERE o.sold),
-- What suppliers outside have sold us: owed, until it is paid or given back.
bought AS NOT MATERIALIZED (
  SELECT p.* FROM purchase p JOIN supplier s ON s.id = p.supplier_id WHERE p.state = 'succeeded' AND NOT s.internal),
-- Seals to recompute.
resealed AS NOT MATERIALIZED (SELECT * FROM public.ledger_seal {seals})
