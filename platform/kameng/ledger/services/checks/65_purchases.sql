-- Purchases: what suppliers have delivered for orders, and what they are owed for it.

-- check: purchases_within_orders | 每单采购到货不超过订购数量，同时最多一张采购单未了 | orders
SELECT 'order:' || o.station_id || ':' || o.id AS subject, '≤ ' || o.quantity || ', at most 1 open' AS expected, p.came || ', ' || p.open || ' open' AS found
  FROM orders o JOIN (
    SELECT station_id, order_id, coalesce(sum(delivered) FILTER (WHERE state = 'succeeded'), 0) AS came, count(*) FILTER (WHERE state IN ('created','sent','unknown')) AS open
      FROM purchase GROUP BY 1, 2) p ON p.station_id = o.station_id AND p.order_id = o.id
 WHERE p.came > o.quantity OR p.open > 1

-- check: purchases_match_orders | 由采购发货的订单到货恰好等于订购减去没货退款的数量 | orders
SELECT 'order:' || o.station_id || ':' || o.id AS subject, (o.quantity - o.short)::text AS expected, p.came::text AS found
  FROM orders o JOIN (
    SELECT station_id, order_id, coalesce(sum(delivered) FILTER (WHERE state = 'succeeded'), 0) AS came FROM purchase GROUP BY 1, 2) p
    ON p.station_id = o.station_id AND p.order_id = o.id
 WHERE o.sold AND p.came <> o.quantity - o.short

-- check: refunded_orders_got_nothing | 未发货就退款的订单没有到货的采购单 | orders
SELECT 'order:' || o.station_id || ':' || o.id || ' ' || o.state AS subject, 'no goods' AS expected, p.purchase_no || ' × ' || p.delivered AS found
  FROM orders o JOIN purchase p ON p.station_id = o.station_id AND p.order_id = o.id AND p.state = 'succeeded' AND p.delivered > 0
 WHERE o.state IN ('refunding','refunded') AND NOT o.sold

-- check: purchases_posted | 外部供应商每张成功的采购单按成本减退回记为应付，其余采购单没有过账 | orders
SELECT 'purchase:' || coalesce(w.station_id, m.station_id) || ':' || coalesce(w.id, m.purchase_id) AS subject,
       coalesce(w.amount || ' to ' || w.supplier, 'nothing') AS expected, coalesce(m.amount || ' to ' || m.supplier, 'nothing') AS found
  FROM (SELECT station_id, id, supplier_id::text AS supplier, cost - refunded AS amount FROM bought) w
  FULL JOIN (
    SELECT t.station_id, t.purchase_id, a.ref AS supplier, sum(CASE WHEN t.credit_account = a.id THEN t.amount ELSE -t.amount END) AS amount
      FROM transfer t JOIN account a ON a.id IN (t.debit_account, t.credit_account) AND a.kind = 'supplier' WHERE t.purchase_id IS NOT NULL GROUP BY 1, 2, 3
    ) m ON m.station_id = w.station_id AND m.purchase_id = w.id AND m.supplier = w.supplier
 WHERE coalesce(w.amount, 0) <> coalesce(m.amount, 0)

-- check: suppliers_explained | 每个供应商的应付等于采购成本减退回，再减已付款 | whole
SELECT 'supplier:' || coalesce(w.supplier, m.supplier) AS subject, coalesce(w.amount, 0)::text AS expected, coalesce(m.amount, 0)::text AS found FROM (
  SELECT supplier, sum(amount) AS amount FROM (
    SELECT supplier_id::text AS supplier, cost - refunded AS amount FROM bought
    UNION ALL SELECT supplier_id::text, -amount FROM supplier_payment WHERE state = 'done') s GROUP BY 1) w
FULL JOIN (SELECT a.ref AS supplier, sum(l.amount) AS amount FROM account a JOIN lines l ON l.account_id = a.id WHERE a.kind = 'supplier' GROUP BY 1) m ON m.supplier = w.supplier
 WHERE coalesce(w.amount, 0) <> coalesce(m.amount, 0)
