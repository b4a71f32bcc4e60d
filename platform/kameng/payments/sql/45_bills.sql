-- Guarded functions of reconciliation: the bill of a day at one account beside what the books say about it.

-- What does not agree. Ours of the day without a line in any bill of the account; lines without a payment or refund of
-- ours; both, and another amount or another fate. Found in a neighbour day's bill is found: clocks differ around midnight.
-- grant: nobody
CREATE OR REPLACE FUNCTION _bill_findings(p_station bigint, p_id bigint)
RETURNS TABLE (class text, kind text, key text, seller_id bigint, attempt_id bigint, refund_id bigint, ours bigint, theirs bigint, detail jsonb)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $f$
  WITH b AS (
    SELECT x.*, x.day::timestamp AT TIME ZONE 'Asia/Shanghai' AS begins, (x.day + 1)::timestamp AT TIME ZONE 'Asia/Shanghai' AS ends,
           EXISTS (SELECT 1 FROM bill n WHERE n.station_id = x.station_id AND n.plugin_id = x.plugin_id AND n.account = x.account AND n.day = x.day + 1 AND n.state <> 'due') AS followed
      FROM bill x WHERE x.station_id = p_station AND x.id = p_id),
  l AS MATERIALIZED (
    SELECT y.*, row_number() OVER (PARTITION BY y.kind, y.attempt_no, y.provider_ref, y.refund_no, y.refund_ref ORDER BY y.n) AS copy
      FROM bill_line y WHERE y.station_id = p_station AND y.bill_id = p_id),
  paid AS MATERIALIZED ( -- a second payment of one attempt stands in the refund that gives it back
    SELECT a.station_id, a.id, a.attempt_no, a.provider_ref AS ref, a.amount, a.paid_at AS at
      FROM payment_attempt a JOIN b ON a.account_station_id = b.station_id AND a.plugin_id = b.plugin_id AND a.account = b.account
     WHERE a.state = 'succeeded' AND a.paid_at >= b.begins - interval '40 days' AND a.paid_at < b.ends + interval '40 days'
       AND (a.paid_at >= b.begins AND a.paid_at < b.ends OR a.attempt_no IN (SELECT l.attempt_no FROM l))
    UNION ALL
    SELECT a.station_id, a.id, a.attempt_no, r.provider_ref, a.amount, r.created_at
      FROM refund r JOIN payment_attempt a ON a.station_id = r.station_id AND a.id = r.attempt_id
      JOIN b ON a.account_station_id = b.station_id AND a.plugin_id = b.plugin_id AND a.account = b.account
     WHERE r.reason = 'paid_twice' AND r.provider_ref <> a.provider_ref
       AND (r.created_at >= b.begins AND r.created_at < b.ends OR a.attempt_no IN (SELECT l.attempt_no FROM l))),
  back AS MATERIALIZED (
    SELECT r.station_id, r.id, r.attempt_id, r.refund_no, r.refund_ref, r.amount, r.state, r.by_hand, r.done_at AS at
      FROM refund r JOIN payment_attempt a ON a.station_id = r.station_id AND a.id = r.attempt_id
      JOIN b ON a.account_station_id = b.station_id AND a.plugin_id = b.plugin_id AND a.account = b.account
     WHERE r.done_at >= b.begins AND r.done_at < b.ends OR r.refund_no IN (SELECT l.refund_no FROM l WHERE l.refund_no <> '')
        OR r.refund_ref <> '' AND r.refund_ref IN (SELECT l.refund_ref FROM l WHERE l.refund_no = '')),
  pay_line AS (
    SELECT l.*, p.station_id AS seller, p.id AS attempt, p.amount AS our_amount FROM l LEFT JOIN LATERAL (
      SELECT * FROM paid p WHERE l.copy = 1 AND p.attempt_no = l.attempt_no AND (p.ref = l.provider_ref OR '' IN (p.ref, l.provider_ref)) ORDER BY p.ref = l.provider_ref DESC LIMIT 1
    ) p ON true WHERE l.kind = 'payment'),
  back_line AS (
    SELECT l.*, r.station_id AS seller, r.attempt_id AS attempt, r.id AS refund, r.amount AS our_amount, r.state AS our_state, r.by_hand FROM l LEFT JOIN LATERAL (
      SELECT * FROM back r WHERE l.copy = 1 AND (r.refund_no = l.refund_no OR l.refund_no = '' AND r.refund_ref <> '' AND r.refund_ref = l.refund_ref) LIMIT 1
    ) r ON true WHERE l.kind = 'refund')
  SELECT CASE WHEN x.attempt IS NULL THEN 'theirs_only' WHEN NOT x.done THEN 'state' ELSE 'amount' END, 'payment',
         x.attempt_no || CASE x.provider_ref WHEN '' THEN '' ELSE ':' || x.provider_ref END || CASE x.copy WHEN 1 THEN '' ELSE '#' || x.copy END,
         coalesce(x.seller, o.station_id), coalesce(x.attempt, o.id), NULL::bigint, x.our_amount, CASE WHEN x.done THEN x.amount ELSE 0 END,
         jsonb_build_object('attempt_no', x.attempt_no, 'provider_ref', x.provider_ref, 'at', x.at, 'copy', x.copy, 'our_state', coalesce(o.state, ''))
    FROM pay_line x LEFT JOIN LATERAL (
      SELECT a.station_id, a.id, a.state FROM payment_attempt a, b WHERE x.attempt IS NULL AND a.attempt_no = x.attempt_no
         AND a.account_station_id = b.station_id AND a.plugin_id = b.plugin_id AND a.account = b.account LIMIT 1) o ON true
   WHERE x.attempt IS NULL AND x.done OR x.attempt IS NOT NULL AND (NOT x.done OR x.amount <> x.our_amount)
  UNION ALL
  SELECT CASE WHEN x.refund IS NULL THEN 'theirs_only' WHEN x.done AND x.amount <> x.our_amount THEN 'amount' ELSE 'state' END, 'refund',
         coalesce(nullif(x.refund_no, ''), x.refund_ref) || CASE x.copy WHEN 1 THEN '' ELSE '#' || x.copy END, coalesce(x.seller, o.station_id), coalesce(x.attempt, o.id),
         x.refund, x.our_amount, CASE WHEN x.done THEN x.amount ELSE 0 END,
         jsonb_build_object('attempt_no', x.attempt_no, 'refund_no', x.refund_no, 'refund_ref', x.refund_ref, 'at', x.at, 'copy', x.copy, 'our_state', coalesce(x.our_state, ''), 'by_hand', coalesce(x.by_hand, ''))
    FROM back_line x LEFT JOIN LATERAL (
      SELECT a.station_id, a.id FROM payment_attempt a, b WHERE x.refund IS NULL AND a.attempt_no = x.attempt_no
         AND a.account_station_id = b.station_id AND a.plugin_id = b.plugin_id AND a.account = b.account LIMIT 1) o ON true
   WHERE x.refund IS NULL AND x.done
      OR x.refund IS NOT NULL AND (x.done AND x.amount <> x.our_amount OR x.done <> (x.our_state = 'succeeded' AND x.by_hand = ''))
         AND NOT (NOT x.done AND x.our_state <> 'succeeded')
  UNION ALL
  SELECT 'ours_only', 'payment', p.attempt_no || CASE p.ref WHEN '' THEN '' ELSE ':' || p.ref END, p.station_id, p.id, NULL, p.amount, NULL,
         jsonb_build_object('attempt_no', p.attempt_no, 'provider_ref', p.ref, 'at', p.at)
    FROM paid p, b WHERE p.at >= b.begins AND p.at < b.ends AND (b.followed OR p.at < b.ends - interval '30 minutes') AND NOT EXISTS (
      SELECT 1 FROM bill_line y JOIN bill n ON n.station_id = y.station_id AND n.id = y.bill_id AND n.plugin_id = b.plugin_id AND n.account = b.account
       WHERE y.station_id = p_station AND y.kind = 'payment' AND y.attempt_no = p.attempt_no AND (y.provider_ref = p.ref OR '' IN (y.provider_ref, p.ref)))
  UNION ALL
  SELECT 'ours_only', 'refund', r.refund_no, r.station_id, r.attempt_id, r.id, r.amount, NULL, jsonb_build_object('refund_no', r.refund_no, 'refund_ref', r.refund_ref, 'at', r.at)
    FROM back r, b WHERE r.state = 'succeeded' AND r.by_hand = '' AND r.at >= b.begins AND r.at < b.ends AND (b.followed OR r.at < b.ends - interval '30 minutes') AND NOT EXISTS (
      SELECT 1 FROM bill_line y JOIN bill n ON n.station_id = y.station_id AND n.id = y.bill_id AND n.plugin_id = b.plugin_id AND n.account = b.account
       WHERE y.station_id = p_station AND y.kind = 'refund' AND (y.refund_no = r.refund_no OR y.refund_no = '' AND r.refund_ref <> '' AND y.refund_ref = r.refund_ref))
$f$;

-- Compare a bill that has been fetched, as often as one likes. What is seen no more is closed; what a person has closed by
-- a deed that should have mended it opens again while it is still seen; what a person has explained stays closed.
-- The difference between the fees of the bill and those expected is posted once, and corrected when it changes.
-- codes: ok, not_fetched, not_found.
-- grant: main
CREATE OR REPLACE FUNCTION compare_bill(p_station bigint, p_id bigint) RETURNS TABLE (code text, opened int, closed int, fee_moved bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $f$
DECLARE b record; v_fee bigint; v_n int;
BEGIN
  PERFORM _enter_station(p_station);
  SELECT * INTO b FROM bill x WHERE x.station_id = p_station AND x.id = p_id FOR NO KEY UPDATE;
  opened := 0; closed := 0; fee_moved := 0;
  IF NOT FOUND OR b.state = 'due' THEN code := CASE WHEN b.id IS NULL THEN 'not_found' ELSE 'not_fetched' END; RETURN NEXT; RETURN; END IF;
  UPDATE bill_difference d SET state = 'resolved', resolution = 'matched', resolved_at = now(), resolved_by = 'system'
   WHERE d.station_id = p_station AND d.bill_id = p_id AND d.state = 'open'
     AND NOT EXISTS (SELECT 1 FROM _bill_findings(p_station, p_id) f WHERE f.class = d.class AND f.kind = d.kind AND f.key = d.key);
  GET DIAGNOSTICS closed = ROW_COUNT;
  INSERT INTO bill_difference AS d (station_id, bill_id, class, kind, key, seller_id, attempt_id, refund_id, ours, theirs, detail)
    SELECT p_station, p_id, f.class, f.kind, f.key, f.seller_id, f.attempt_id, f.refund_id, f.ours, f.theirs, f.detail FROM _bill_findings(p_station, p_id) f
    ON CONFLICT ON CONSTRAINT bill_difference_station_id_bill_id_class_kind_key_key DO UPDATE
       SET state = 'open', opened_at = now(), seller_id = EXCLUDED.seller_id, attempt_id = EXCLUDED.attempt_id, refund_id = EXCLUDED.refund_id,
           ours = EXCLUDED.ours, theirs = EXCLUDED.theirs, detail = EXCLUDED.detail
     WHERE d.state = 'resolved' AND (d.resolution IN ('matched', 'applied', 'queried') OR d.resolution IN ('later', 'retried') AND d.resolved_at < now() - interval '20 hours');
  GET DIAGNOSTICS opened = ROW_COUNT;
  IF p_station = 1 THEN -- what a station's own account is charged is the station's matter
    SELECT coalesce(sum(CASE y.kind WHEN 'payment' THEN y.fee - a.fee ELSE -y.fee END), 0)::bigint INTO v_fee
      FROM bill_line y JOIN payment_attempt a ON a.attempt_no = y.attempt_no AND a.account_station_id = 1 AND a.plugin_id = b.plugin_id AND a.account = b.account AND a.state = 'succeeded'
     WHERE y.station_id = p_station AND y.bill_id = p_id AND y.done AND y.fee IS NOT NULL
       AND NOT EXISTS (SELECT 1 FROM bill_difference d WHERE d.station_id = p_station AND d.bill_id = p_id AND d.class = 'theirs_only' AND d.kind = y.kind AND d.key LIKE
         CASE y.kind WHEN 'payment' THEN y.attempt_no || CASE y.provider_ref WHEN '' THEN '' ELSE ':' || y.provider_ref END ELSE coalesce(nullif(y.refund_no, ''), y.refund_ref) END || '%' AND (d.state = 'open' OR d.posted <> 0));
    fee_moved := v_fee - b.fee_posted;
    IF fee_moved <> 0 THEN
      SELECT count(DISTINCT t.txn) INTO v_n FROM transfer t WHERE t.txn LIKE 'bill:1:' || p_id || ':fee:%';
      PERFORM _post('bill:1:' || p_id || ':fee:' || v_n + 1, 1, NULL, NULL, NULL, ARRAY[_account(1, 'gateway_fee')],
        ARRAY[_account(1, 'gateway_clearing', b.plugin_id || CASE b.account WHEN '' THEN '' ELSE ':' || b.account END)], ARRAY[fee_moved], ARRAY['bill.fee']);
    END IF;
  END IF;
  UPDATE bill x SET state = 'compared', compared_at = now(), next_try_at = NULL, fee_posted = x.fee_posted + fee_moved WHERE x.station_id = p_station AND x.id = p_id;
  code := 'ok';
  RETURN NEXT;
END $f$;

-- A person closes one. p_resolution: applied, queried, retried, later, held, ignored. codes: ok, repeat, note_missing, not_found.
-- grant: main
CREATE OR REPLACE FUNCTION resolve_difference(p_station bigint, p_id bigint, p_resolution text, p_note text, p_actor text) RETURNS TABLE (code text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $f$
DECLARE d record;
BEGIN
  PERFORM _enter_station(p_station);
  SELECT * INTO d FROM bill_difference x WHERE x.station_id = p_station AND x.id = p_id FOR NO KEY UPDATE;
  IF NOT FOUND OR p_resolution NOT IN ('applied', 'queried', 'retried', 'later', 'held', 'ignored') THEN RETURN QUERY SELECT 'not_found'; RETURN; END IF;
  IF d.state = 'resolved' THEN RETURN QUERY SELECT 'repeat'; RETURN; END IF;
  IF p_resolution IN ('held', 'ignored') AND length(trim(coalesce(p_note, ''))) < 2 THEN RETURN QUERY SELECT 'note_missing'; RETURN; END IF;
  UPDATE bill_difference x SET state = 'resolved', resolution = p_resolution, note = trim(coalesce(p_note, '')), resolved_at = now(), resolved_by = p_actor
   WHERE x.station_id = p_station AND x.id = p_id;
  RETURN QUERY SELECT 'ok';
END $f$;

-- Take the difference over into the books: one person asks, another one agrees. Asked again after a refusal is a new request.
-- codes: ok, repeat (somebody has asked), bad_state (resolved, or nothing to post), not_ours (a station's own account), note_missing, not_found.
-- grant: main
CREATE OR REPLACE FUNCTION request_difference(p_station bigint, p_id bigint, p_note text, p_actor text) RETURNS TABLE (code text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $f$
DECLARE d record; v_n int; v_amount bigint;
BEGIN
  PERFORM _enter_station(p_station);
  SELECT * INTO d FROM bill_difference x WHERE x.station_id = p_station AND x.id = p_id FOR NO KEY UPDATE;
  IF NOT FOUND THEN RETURN QUERY SELECT 'not_found'; RETURN; END IF;
  IF p_station <> 1 THEN RETURN QUERY SELECT 'not_ours'; RETURN; END IF;
  v_amount := _difference_delta(d.kind, d.ours, d.theirs);
  IF d.state <> 'open' OR v_amount = 0 THEN RETURN QUERY SELECT 'bad_state'; RETURN; END IF;
  IF length(trim(coalesce(p_note, ''))) < 2 THEN RETURN QUERY SELECT 'note_missing'; RETURN; END IF;
  IF EXISTS (SELECT 1 FROM approval a WHERE a.station_id = 1 AND a.kind = 'bill_difference' AND a.subject = d.asked_as AND a.state = 'waiting') THEN
    RETURN QUERY SELECT 'repeat'; RETURN;
  END IF;
  SELECT count(*) INTO v_n FROM approval a WHERE a.station_id = 1 AND a.kind = 'bill_difference' AND (a.subject = p_id::text OR a.subject LIKE p_id || ':%');
  UPDATE bill_difference x SET posted_for = p_actor, asked_as = p_id || CASE v_n WHEN 0 THEN '' ELSE ':' || v_n END, note = trim(p_note)
   WHERE x.station_id = 1 AND x.id = p_id RETURNING x.asked_as INTO d.asked_as;
  PERFORM _request_approval(1, 'bill_difference', d.asked_as, d.key,
    jsonb_build_object('class', d.class, 'kind', d.kind, 'key', d.key, 'ours', d.ours, 'theirs', d.theirs), abs(v_amount), 1, p_actor, trim(p_note));
  RETURN QUERY SELECT 'ok';
END $f$;

-- By how much the account with the gateway changes: a payment of ours that is not there is owed no more, a refund of
-- theirs that we do not know has been taken off.
-- grant: nobody
CREATE OR REPLACE FUNCTION _difference_delta(p_kind text, p_ours bigint, p_theirs bigint) RETURNS bigint
LANGUAGE sql IMMUTABLE SECURITY DEFINER SET search_path = public, pg_temp AS $f$
  SELECT (coalesce(p_ours, 0) - coalesce(p_theirs, 0)) * CASE p_kind WHEN 'payment' THEN 1 ELSE -1 END
$f$;

-- Carry an approved one out. Raises KM403 when it is not approved. codes: ok, repeat, bad_state, not_found.
-- grant: main
CREATE OR REPLACE FUNCTION post_difference(p_station bigint, p_id bigint) RETURNS TABLE (code text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $f$
DECLARE d record; b record; v_amount bigint;
BEGIN
  PERFORM _enter_station(p_station);
  SELECT * INTO d FROM bill_difference x WHERE x.station_id = p_station AND x.id = p_id FOR NO KEY UPDATE;
  IF NOT FOUND OR p_station <> 1 THEN RETURN QUERY SELECT 'not_found'; RETURN; END IF;
  IF d.posted <> 0 THEN RETURN QUERY SELECT 'repeat'; RETURN; END IF;
  IF d.state <> 'open' THEN RETURN QUERY SELECT 'bad_state'; RETURN; END IF;
  PERFORM _require_approved(1, 'bill_difference', d.asked_as);
  v_amount := _difference_delta(d.kind, d.ours, d.theirs);
  SELECT * INTO STRICT b FROM bill x WHERE x.station_id = 1 AND x.id = d.bill_id;
  PERFORM _post('bill:1:' || d.bill_id || ':difference:' || p_id, 1, NULL, NULL, NULL, ARRAY[_account(1, 'gateway_difference')],
    ARRAY[_account(1, 'gateway_clearing', b.plugin_id || CASE b.account WHEN '' THEN '' ELSE ':' || b.account END)], ARRAY[v_amount], ARRAY['bill.difference']);
  UPDATE bill_difference x SET posted = v_amount, state = 'resolved', resolution = 'posted', resolved_at = now(), resolved_by = x.posted_for WHERE x.station_id = 1 AND x.id = p_id;
  RETURN QUERY SELECT 'ok';
END $f$;
