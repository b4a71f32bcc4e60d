-- Balances, recomputed from the first transfer on.

-- check: total_is_zero | 每种币所有账户合计为零 | whole
SELECT 'currency:' || a.currency AS subject, '0' AS expected, sum(s.balance)::text AS found FROM account a JOIN (
  SELECT account_id, balance FROM account_balance
  UNION ALL
  SELECT l.account_id, sum(l.amount) FROM lines l
   WHERE NOT EXISTS (SELECT 1 FROM account_balance b WHERE b.account_id = l.account_id) GROUP BY l.account_id
) s ON s.account_id = a.id GROUP BY a.currency HAVING sum(s.balance) <> 0

-- check: balances_recomputed | 每个余额等于其全部转账之和，且不低于下限 | whole
SELECT 'account:' || a.id || ' ' || a.kind || ' ' || a.ref AS subject, coalesce(m.amount, 0)::text AS expected, b.balance::text AS found
  FROM account_balance b JOIN account a ON a.id = b.account_id
  LEFT JOIN (SELECT account_id, sum(amount) AS amount FROM lines GROUP BY account_id) m ON m.account_id = b.account_id
 WHERE b.balance <> coalesce(m.amount, 0) OR b.balance < b.floor OR b.station_id <> a.station_id
    OR b.floor <> CASE a.kind WHEN 'available' THEN -1000000000000000000 ELSE 0 END

-- check: balance_rows_present | 有下限的账户都有余额行，其余都没有 | whole
SELECT 'account:' || coalesce(a.id, b.account_id) AS subject,
       CASE WHEN a.kind IN ('wallet','prepaid','deposit','frozen','available') THEN 'a balance row' ELSE 'none' END AS expected,
       CASE WHEN b.account_id IS NULL THEN 'none' ELSE 'a balance row' END AS found
  FROM account a FULL JOIN account_balance b ON b.account_id = a.id
 WHERE a.id IS NULL OR (a.kind IN ('wallet','prepaid','deposit','frozen','available')) = (b.account_id IS NULL)

-- check: rollups_recomputed | 滚存等于其截止点前的转账之和 | whole
SELECT 'account:' || r.account_id AS subject, coalesce(sum(l.amount), 0)::text AS expected, r.balance::text AS found
  FROM account_rollup r LEFT JOIN lines l ON l.account_id = r.account_id AND l.xid < r.through
 GROUP BY r.account_id, r.balance HAVING coalesce(sum(l.amount), 0) <> r.balance

-- check: tills_right | 每站收款台指向它所称的账户 | whole
SELECT 'till:' || t.station_id AS subject, concat_ws(' ', 'order_clearing', 'goods_cost', 'revenue', CASE WHEN t.station_id = 1 THEN 'revenue' ELSE 'margin_pending' END) AS expected,
       concat_ws(' ', c.kind, g.kind, r.kind, e.kind) AS found
  FROM till t LEFT JOIN account c ON c.id = t.clearing AND c.station_id = t.station_id LEFT JOIN account g ON g.id = t.goods AND g.station_id = 1
  LEFT JOIN account r ON r.id = t.revenue AND r.station_id = 1 LEFT JOIN account e ON e.id = t.earned AND e.station_id = t.station_id
 WHERE (c.kind, g.kind, r.kind, e.kind) IS DISTINCT FROM ('order_clearing', 'goods_cost', 'revenue', CASE WHEN t.station_id = 1 THEN 'revenue' ELSE 'margin_pending' END)
