-- Cards: sold, held, and of the right kind.

-- check: cards_match_orders | 已发货的卡密订单恰有那么多张卡（没货退款的除外），部分发货的有采购来的卡，其余订单没有已售卡 | orders
SELECT 'order:' || o.station_id || ':' || o.id AS subject,
       w.cards::text AS expected, coalesce(c.sold, 0)::text AS found
  FROM orders o
 CROSS JOIN LATERAL (SELECT CASE WHEN o.kind <> 'card' THEN 0 WHEN o.sold THEN o.quantity - o.short WHEN o.state = 'partially_delivered'
      THEN (SELECT coalesce(sum(p.delivered), 0) FROM purchase p WHERE p.station_id = o.station_id AND p.order_id = o.id AND p.state = 'succeeded') ELSE 0 END AS cards) w
  LEFT JOIN (SELECT station_id, order_id, count(*) AS sold FROM card WHERE status = 2 GROUP BY 1, 2) c ON c.station_id = o.station_id AND c.order_id = o.id
 WHERE coalesce(c.sold, 0) <> w.cards

-- check: cards_of_right_sku | 每张已售或占用的卡属于一张订单，规格相同 | orders
SELECT 'card:' || c.id AS subject, coalesce(o.sku_id::text, 'an order') AS expected, CASE WHEN o.id IS NULL THEN 'none' ELSE c.sku_id::text END AS found
  FROM card c LEFT JOIN orders o ON o.station_id = c.station_id AND o.id = c.order_id
 WHERE c.status IN (1, 2) AND (o.id IS NULL OR c.sku_id <> o.sku_id)

-- check: holds_match_orders | 待付款的卡密订单（由卡池发货的）恰好占用所订的卡，冻结或等预存款的不超过，其余没有 | orders
SELECT 'order:' || o.station_id || ':' || o.id || ' ' || o.state AS subject,
       (CASE WHEN o.kind = 'card' AND o.source = 'pool' AND (o.state IN ('pending_payment','held') OR o.state = 'paid' AND o.own AND NOT o.funded) THEN o.quantity ELSE 0 END)::text AS expected,
       coalesce(c.held, 0)::text AS found
  FROM orders o LEFT JOIN (SELECT station_id, order_id, count(*) AS held FROM card WHERE status = 1 GROUP BY 1, 2) c ON c.station_id = o.station_id AND c.order_id = o.id
 WHERE CASE WHEN o.kind = 'card' AND o.source = 'pool' AND o.state = 'pending_payment' THEN coalesce(c.held, 0) <> o.quantity
            WHEN o.kind = 'card' AND o.source = 'pool' AND (o.state = 'held' OR o.state = 'paid' AND o.own AND NOT o.funded)
              THEN coalesce(c.held, 0) NOT IN (0, o.quantity) -- paid late: its cards had gone back
            ELSE coalesce(c.held, 0) <> 0 END
