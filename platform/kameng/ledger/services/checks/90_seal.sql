-- The sealed ledger: a hash chain that is recomputed here without the function that has made it.

-- A seal newer than the server: a dump was restored where transactions are counted from lower numbers.
-- check: seals_linked | 封存链首尾相接，没有缺口 | whole
SELECT 'seal:' || s.id AS subject, coalesce('after ' || s.before_id, 'the first') AS expected, 'previous, number or range differs' AS found
  FROM (SELECT x.*, lag(x.id) OVER w AS before_id, lag(x.hash) OVER w AS before_hash, lag(x.through_xid) OVER w AS before_xid
    FROM ledger_seal x WINDOW w AS (ORDER BY x.id)) s
 WHERE s.id <> coalesce(s.before_id, 0) + 1 OR s.previous <> coalesce(s.before_hash, '\x'::bytea) OR s.from_xid <> coalesce(s.before_xid, '0'::xid8)
    OR s.through_xid <= s.from_xid OR s.through_xid > pg_snapshot_xmax(pg_current_snapshot())

-- check: sealed_transfers_unchanged | 封存过的转账逐笔重算，与封存时的摘要一致 | seals
SELECT 'seal:' || s.id AS subject, s.transfers || ' transfers, ' || left(encode(s.hash, 'hex'), 16) AS expected,
       m.transfers || ' transfers, ' || left(encode(m.hash, 'hex'), 16) AS found
  FROM resealed s CROSS JOIN LATERAL (
    SELECT count(*) AS transfers, sha256(s.previous || convert_to(jsonb_build_array(s.id, s.from_xid::text, s.through_xid::text, count(*), coalesce(max(t.id), 0),
        coalesce(sum(t.amount), 0)::text)::text || coalesce(string_agg(E'\n' || jsonb_build_array(t.id, t.debit_account, t.credit_account, t.amount, t.currency, t.kind,
        t.station_id, t.order_id, t.attempt_id, t.refund_id, t.txn, t.leg, encode(t.params_hash, 'hex'), t.memo, (extract(epoch FROM t.at) * 1000000)::bigint,
        t.xid::text)::text, '' ORDER BY t.id), ''), 'UTF8')) AS hash, coalesce(max(t.id), 0) AS last, coalesce(sum(t.amount), 0) AS volume
      FROM public.transfer t WHERE t.xid >= s.from_xid AND t.xid < s.through_xid) m
 WHERE m.hash <> s.hash OR m.transfers <> s.transfers OR m.last <> s.last_transfer OR m.volume <> s.volume
