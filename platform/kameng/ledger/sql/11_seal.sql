-- The sealed ledger: a hash chain over the transfers, made by one sealer after the fact, so that no sale waits for it.
-- seal n = sha256(previous seal, head line, one line for each transfer with from <= xid < through, by id). Only rows that
-- no running transaction can still add to are sealed (xid < xmin of the snapshot). docs/operators/ledger.md has the format.

-- Make one seal of about p_limit transfers. Returns how many it holds; 0: nothing to seal.
-- grant: main
CREATE OR REPLACE FUNCTION seal_ledger(p_limit int) RETURNS TABLE (sealed int)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $f$
DECLARE v_xmin xid8; p record; n record; v_from xid8; v_through xid8; v_id bigint;
BEGIN
  PERFORM pg_advisory_xact_lock(hashtext('seal_ledger'));
  v_xmin := pg_snapshot_xmin(pg_current_snapshot());
  SELECT s.id, s.through_xid, s.hash INTO p FROM ledger_seal s ORDER BY s.id DESC LIMIT 1;
  v_from := coalesce(p.through_xid, '0'::xid8);
  v_id := coalesce(p.id, 0) + 1;
  SELECT min(x.xid) INTO v_through FROM (SELECT t.xid FROM transfer t WHERE t.xid >= v_from AND t.xid < v_xmin ORDER BY t.xid LIMIT 1) x;
  IF v_through IS NULL THEN RETURN QUERY SELECT 0; RETURN; END IF;
  -- Whole transactions only: the first one that starts after p_limit rows is the next seal's.
  SELECT t.xid INTO v_through FROM transfer t WHERE t.xid >= v_from AND t.xid < v_xmin AND t.xid > (
      SELECT max(y.xid) FROM (SELECT t2.xid FROM transfer t2 WHERE t2.xid >= v_from AND t2.xid < v_xmin ORDER BY t2.xid LIMIT p_limit) y)
    ORDER BY t.xid LIMIT 1;
  v_through := coalesce(v_through, v_xmin);
  SELECT count(*)::int AS transfers, max(t.id) AS last, sum(t.amount) AS volume, string_agg(E'\n' || _seal_line(t), '' ORDER BY t.id) AS body INTO n
    FROM transfer t WHERE t.xid >= v_from AND t.xid < v_through;
  INSERT INTO ledger_seal(id, from_xid, through_xid, transfers, last_transfer, volume, previous, hash)
    VALUES (v_id, v_from, v_through, n.transfers, n.last, n.volume, coalesce(p.hash, '\x'::bytea), sha256(coalesce(p.hash, '\x'::bytea) || convert_to(
      jsonb_build_array(v_id, v_from::text, v_through::text, n.transfers, n.last, n.volume::text)::text || n.body, 'UTF8')));
  RETURN QUERY SELECT n.transfers;
END $f$;

-- One transfer as the seal reads it: every column that says something, the time in microseconds.
-- grant: nobody
CREATE OR REPLACE FUNCTION _seal_line(t transfer) RETURNS text
LANGUAGE sql STABLE SET search_path = public, pg_temp AS $f$
  SELECT jsonb_build_array(t.id, t.debit_account, t.credit_account, t.amount, t.currency, t.kind, t.station_id, t.order_id, t.attempt_id, t.refund_id,
    t.txn, t.leg, encode(t.params_hash, 'hex'), t.memo, (extract(epoch FROM t.at) * 1000000)::bigint, t.xid::text)::text
$f$;

-- The head has been written down outside the database.
-- grant: main
CREATE OR REPLACE FUNCTION mark_head_exported(p_id bigint) RETURNS TABLE (code text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $f$
BEGIN
  UPDATE ledger_seal SET exported_at = now() WHERE id = p_id AND exported_at IS NULL;
  RETURN QUERY SELECT CASE WHEN FOUND THEN 'ok' ELSE 'repeat' END;
END $f$;
