-- After a restore the outside world is ahead: payments, purchases and refunds exist there that this database has forgotten.
-- While a recovery is active nothing is sold, delivered, bought, given back or paid out; what is asked outside is written down.

-- grant: nobody
CREATE OR REPLACE FUNCTION _recovering() RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $f$
  SELECT EXISTS (SELECT 1 FROM recovery WHERE state = 'active')
$f$;

-- grant: app, main
CREATE OR REPLACE FUNCTION recovering() RETURNS TABLE (active boolean)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $f$
  SELECT _recovering()
$f$;

-- Whether a person must look up at the suppliers first whether this order's goods were bought in the time that is forgotten.
-- grant: main
CREATE OR REPLACE FUNCTION order_waits(p_station bigint, p_order bigint) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $f$
  SELECT EXISTS (SELECT 1 FROM recovery_question q WHERE q.kind = 'order' AND q.station_id = p_station AND q.subject_id = p_order AND q.state = 'waiting')
$f$;

-- grant: nobody
CREATE OR REPLACE FUNCTION _ask_person(p_station bigint, p_order bigint) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $f$
  INSERT INTO recovery_question(recovery_id, kind, station_id, subject_id, number)
    SELECT r.id, 'order', o.station_id, o.id, o.order_no FROM recovery r, orders o WHERE r.state = 'active' AND o.station_id = p_station AND o.id = p_order
    ON CONFLICT DO NOTHING
$f$;

-- The database was restored to a moment. What was "not sent yet" then may have been sent since: it is unknown and asked about first, under
-- its own number. Orders that a supplier may have served since wait for a person. codes: ok, repeat (a recovery is active).
-- grant: main
CREATE OR REPLACE FUNCTION begin_recovery(p_restored_to timestamptz, p_source text) RETURNS TABLE (code text, id bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $f$
DECLARE v_id bigint;
BEGIN
  SELECT r.id INTO v_id FROM recovery r WHERE r.state = 'active';
  IF FOUND THEN RETURN QUERY SELECT 'repeat', v_id; RETURN; END IF;
  INSERT INTO recovery AS r (restored_to, source) VALUES (p_restored_to, p_source) RETURNING r.id INTO v_id;
  UPDATE backup_run b SET state = 'failed', finished_at = now(), error = 'interrupted' WHERE b.state = 'running';
  INSERT INTO recovery_question(recovery_id, kind, station_id, subject_id, number)
    SELECT v_id, 'payment', a.station_id, a.id, a.attempt_no FROM payment_attempt a WHERE a.state IN ('created', 'sent', 'unknown') AND a.plugin_id <> 'payment-balance'
    UNION ALL SELECT v_id, 'purchase', p.station_id, p.id, p.purchase_no FROM purchase p WHERE p.state IN ('created', 'sent', 'unknown')
    UNION ALL SELECT v_id, 'order', o.station_id, o.id, o.order_no FROM orders o WHERE o.source = 'supplier' AND o.state IN ('paid', 'fulfilling', 'partially_delivered', 'held')
       AND NOT EXISTS (SELECT 1 FROM purchase p WHERE p.station_id = o.station_id AND p.order_id = o.id AND p.state IN ('created', 'sent', 'unknown'));
  UPDATE purchase p SET state = 'unknown', sent_at = coalesce(p.sent_at, p.created_at), waits_for = 'answer', next_query_at = now() WHERE p.state = 'created';
  UPDATE refund f SET state = 'unknown', next_try_at = now() WHERE f.state = 'created';
  UPDATE withdrawal w SET state = 'unknown', sent_at = coalesce(w.sent_at, now()), next_try_at = now() WHERE w.state = 'created' AND w.plugin_id <> '';
  RETURN QUERY SELECT 'ok', v_id;
END $f$;

-- The end. codes: ok, repeat (none is active), waiting (p_left questions have no answer, and p_anyway is false).
-- grant: main
CREATE OR REPLACE FUNCTION end_recovery(p_actor text, p_anyway boolean) RETURNS TABLE (code text, left_open int)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $f$
DECLARE v_id bigint;
BEGIN
  SELECT r.id INTO v_id FROM recovery r WHERE r.state = 'active' FOR NO KEY UPDATE;
  IF NOT FOUND THEN RETURN QUERY SELECT 'repeat', 0; RETURN; END IF;
  SELECT count(*)::int INTO left_open FROM recovery_question q WHERE q.recovery_id = v_id AND q.state = 'waiting' AND q.kind <> 'order';
  IF left_open > 0 AND NOT p_anyway THEN code := 'waiting'; RETURN NEXT; RETURN; END IF;
  UPDATE recovery r SET state = 'ended', ended_at = now(), ended_by = p_actor WHERE r.id = v_id;
  code := 'ok'; RETURN NEXT;
END $f$;

-- Orders from the pool that were paid while nothing was delivered go on now. Returns how many; those whose cards are locked come next time.
-- grant: main
CREATE OR REPLACE FUNCTION resume_paid_orders(p_limit int) RETURNS TABLE (resumed int)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $f$
DECLARE v record; v_attempt bigint;
BEGIN
  resumed := 0;
  IF _recovering() THEN RETURN NEXT; RETURN; END IF;
  FOR v IN SELECT o.station_id, o.id FROM orders o WHERE o.state = 'paid' AND o.source = 'pool' AND (o.collected_by = 1 OR o.funded)
     ORDER BY o.deadline_at LIMIT p_limit FOR NO KEY UPDATE SKIP LOCKED LOOP
    SELECT a.id INTO v_attempt FROM payment_attempt a WHERE a.station_id = v.station_id AND a.order_id = v.id AND a.state = 'succeeded' ORDER BY a.paid_at LIMIT 1;
    BEGIN
      PERFORM _fulfil_paid(v.station_id, v.id, v_attempt, NULL, true, false);
      resumed := resumed + 1;
    EXCEPTION WHEN SQLSTATE 'KM005' THEN NULL;
    END;
  END LOOP;
  RETURN NEXT;
END $f$;

-- A person has looked it up: nothing was bought for this order, it may be bought now. codes: ok, repeat.
-- grant: main
CREATE OR REPLACE FUNCTION let_order_go_on(p_station bigint, p_order bigint, p_actor text) RETURNS TABLE (code text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $f$
BEGIN
  UPDATE recovery_question q SET state = 'answered', answer = 'go_on', answered_by = p_actor, asked_at = now()
   WHERE q.kind = 'order' AND q.station_id = p_station AND q.subject_id = p_order AND q.state = 'waiting';
  IF NOT FOUND THEN RETURN QUERY SELECT 'repeat'; RETURN; END IF;
  PERFORM _publish('order.paid', p_station, jsonb_build_object('order_id', p_order));
  RETURN QUERY SELECT 'ok';
END $f$;
