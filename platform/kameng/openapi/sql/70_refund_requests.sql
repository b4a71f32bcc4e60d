-- Members ask for money back; staff says yes or no. A yes is the refund itself, in the same transaction.

-- Ask for money back of one's own order. p_amount NULL: all that can still be given back. What is delivered can be given back
-- in parts, what is not yet delivered as a whole. One request of an order may be open at a time.
-- codes: ok, repeat (same number and content: the request of the first time), conflict, order_unknown, refund_not_possible,
-- amount_invalid (refundable = the most), refund_request_open.
-- grant: app
CREATE OR REPLACE FUNCTION open_refund_request(p_station bigint, p_member bigint, p_key bigint, p_order_no text, p_amount bigint, p_reason text,
  p_request_no text, p_hash bytea, p_actor text) RETURNS TABLE (code text, request_id bigint, refundable bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $f$
DECLARE o record; v_old record; v_whole boolean; v_amount bigint;
BEGIN
  PERFORM _enter_station(p_station);
  SELECT x.id, x.state, x.payable, x.refunded INTO o FROM orders x
   WHERE x.station_id = p_station AND x.order_no = p_order_no AND x.member_id = p_member FOR NO KEY UPDATE;
  IF NOT FOUND THEN RETURN QUERY SELECT 'order_unknown', NULL::bigint, NULL::bigint; RETURN; END IF;
  v_whole := o.state IN ('paid', 'fulfilling', 'held');
  refundable := CASE WHEN v_whole OR o.state IN ('delivered', 'completed') THEN o.payable - o.refunded ELSE 0 END;
  v_amount := coalesce(p_amount, refundable);
  SELECT r.id, r.request_hash INTO v_old FROM refund_request r WHERE r.station_id = p_station AND r.member_id = p_member AND r.request_no = p_request_no;
  code := CASE
    WHEN v_old.id IS NOT NULL THEN CASE WHEN v_old.request_hash = p_hash THEN 'repeat' ELSE 'conflict' END
    WHEN refundable <= 0 OR v_whole AND _delivered(p_station, o.id) > 0 THEN 'refund_not_possible'
    WHEN EXISTS (SELECT 1 FROM refund_request r WHERE r.station_id = p_station AND r.order_id = o.id AND r.state = 'open') THEN 'refund_request_open'
    WHEN v_amount <= 0 OR v_amount % 100 <> 0 OR v_amount > refundable OR v_whole AND v_amount <> refundable THEN 'amount_invalid' END;
  IF code IS NOT NULL THEN RETURN QUERY SELECT code, v_old.id, refundable; RETURN; END IF;
  INSERT INTO refund_request AS r (station_id, request_no, request_hash, order_id, member_id, api_key_id, amount, reason)
    VALUES (p_station, p_request_no, p_hash, o.id, p_member, p_key, v_amount, p_reason)
    ON CONFLICT (station_id, member_id, request_no) DO NOTHING RETURNING r.id INTO request_id;
  IF request_id IS NULL THEN -- the same number has just been used for another order
    RETURN QUERY SELECT 'conflict', NULL::bigint, refundable; RETURN;
  END IF;
  INSERT INTO order_event(station_id, order_id, from_state, to_state, actor, reason, detail)
    VALUES (p_station, o.id, o.state, o.state, p_actor, 'refund requested', jsonb_build_object('amount', v_amount, 'note', p_reason));
  RETURN QUERY SELECT 'ok', request_id, refundable;
END $f$;

-- The member no longer wants it. codes: ok, repeat, decided (staff was quicker), not_found.
-- grant: app
CREATE OR REPLACE FUNCTION withdraw_refund_request(p_station bigint, p_member bigint, p_request_no text) RETURNS TABLE (code text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $f$
DECLARE v record;
BEGIN
  PERFORM _enter_station(p_station);
  SELECT r.id, r.state INTO v FROM refund_request r WHERE r.station_id = p_station AND r.member_id = p_member AND r.request_no = p_request_no FOR NO KEY UPDATE;
  IF NOT FOUND THEN RETURN QUERY SELECT 'not_found'; RETURN; END IF;
  IF v.state = 'withdrawn' THEN RETURN QUERY SELECT 'repeat'; RETURN; END IF;
  IF v.state <> 'open' THEN RETURN QUERY SELECT 'decided'; RETURN; END IF;
  UPDATE refund_request r SET state = 'withdrawn', decided_at = now() WHERE r.station_id = p_station AND r.id = v.id;
  RETURN QUERY SELECT 'ok';
END $f$;

-- Staff says yes: the money goes back now, by the way that the order's state knows. The order is locked before the request.
-- codes: ok, repeat, decided (refused or withdrawn), not_found; and when nothing has happened: bad_state, above_paid (refundable = the most),
-- purchase_open (a supplier may still deliver), delivered (some of it is).
-- grant: main
CREATE OR REPLACE FUNCTION accept_refund_request(p_station bigint, p_id bigint, p_actor text, p_answer text)
RETURNS TABLE (code text, order_id bigint, refund_no text, refundable bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $f$
DECLARE r record; o record; v_done text;
BEGIN
  PERFORM _enter_station(p_station);
  SELECT x.order_id INTO order_id FROM refund_request x WHERE x.station_id = p_station AND x.id = p_id;
  IF NOT FOUND THEN RETURN QUERY SELECT 'not_found', NULL::bigint, '', NULL::bigint; RETURN; END IF;
  SELECT x.id, x.order_no, x.state INTO STRICT o FROM orders x WHERE x.station_id = p_station AND x.id = accept_refund_request.order_id FOR NO KEY UPDATE;
  SELECT x.* INTO STRICT r FROM refund_request x WHERE x.station_id = p_station AND x.id = p_id FOR NO KEY UPDATE;
  IF r.state <> 'open' THEN
    RETURN QUERY SELECT CASE WHEN r.state = 'accepted' THEN 'repeat' ELSE 'decided' END, o.id, r.refund_no, NULL::bigint; RETURN;
  END IF;
  refund_no := '';
  IF o.state IN ('delivered', 'completed') THEN
    SELECT d.code, coalesce(d.refund_no, ''), d.refundable INTO v_done, refund_no, refundable
      FROM refund_order(p_station, o.order_no, r.amount, p_answer, p_actor, 'request:' || p_id) d;
  ELSE
    v_done := _stop_order(p_station, o.id, o.state, p_actor, p_answer);
  END IF;
  IF v_done NOT IN ('ok', 'repeat') THEN RETURN QUERY SELECT v_done, o.id, '', refundable; RETURN; END IF;
  PERFORM _decide_request(p_station, p_id, 'accepted', p_actor, p_answer, refund_no);
  RETURN QUERY SELECT 'ok', o.id, refund_no, refundable;
END $f$;

-- All of the money goes back before anything was delivered. What waits for our own people only is called off; what a supplier may
-- still deliver is not. A state that gives the money back by itself counts as done.
-- grant: nobody
CREATE OR REPLACE FUNCTION _stop_order(p_station bigint, p_order bigint, p_state text, p_actor text, p_reason text) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $f$
DECLARE v bigint;
BEGIN
  IF p_state IN ('refunding', 'refunded') THEN RETURN 'repeat'; END IF;
  IF p_state = 'held' THEN RETURN (SELECT d.code FROM refuse_held(p_station, p_order, p_actor, p_reason) d); END IF;
  IF p_state NOT IN ('paid', 'fulfilling') THEN RETURN 'bad_state'; END IF;
  IF _delivered(p_station, p_order) > 0 THEN RETURN 'delivered'; END IF;
  IF EXISTS (SELECT 1 FROM purchase p JOIN supplier s ON s.id = p.supplier_id WHERE p.station_id = p_station AND p.order_id = p_order
      AND p.state IN ('created', 'sent', 'unknown') AND NOT s.internal) THEN RETURN 'purchase_open'; END IF;
  FOR v IN SELECT p.id FROM purchase p WHERE p.station_id = p_station AND p.order_id = p_order AND p.state IN ('created', 'sent', 'unknown') LOOP
    PERFORM decline_purchase(p_station, v, 'by_hand', p_reason, '', p_actor);
  END LOOP;
  PERFORM _release_cards(p_station, p_order);
  RETURN (SELECT d.code FROM fail_order(p_station, p_order, p_reason, p_actor) d);
END $f$;

-- Staff says no. codes: ok, repeat, decided, not_found.
-- grant: main
CREATE OR REPLACE FUNCTION decline_refund_request(p_station bigint, p_id bigint, p_actor text, p_answer text) RETURNS TABLE (code text, order_id bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $f$
DECLARE r record;
BEGIN
  PERFORM _enter_station(p_station);
  SELECT x.state, x.order_id INTO r FROM refund_request x WHERE x.station_id = p_station AND x.id = p_id FOR NO KEY UPDATE;
  IF NOT FOUND THEN RETURN QUERY SELECT 'not_found', NULL::bigint; RETURN; END IF;
  IF r.state <> 'open' THEN RETURN QUERY SELECT CASE WHEN r.state = 'declined' THEN 'repeat' ELSE 'decided' END, r.order_id; RETURN; END IF;
  PERFORM _decide_request(p_station, p_id, 'declined', p_actor, p_answer, '');
  RETURN QUERY SELECT 'ok', r.order_id;
END $f$;

-- The row of the request, the event of the order, the word to whoever listens. The request is locked by the caller.
-- grant: nobody
CREATE OR REPLACE FUNCTION _decide_request(p_station bigint, p_id bigint, p_state text, p_actor text, p_answer text, p_refund_no text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $f$
DECLARE r record; v_state text;
BEGIN
  UPDATE refund_request x SET state = p_state, answer = p_answer, refund_no = p_refund_no, decided_by = p_actor, decided_at = now()
   WHERE x.station_id = p_station AND x.id = p_id RETURNING x.order_id, x.member_id INTO STRICT r;
  SELECT o.state INTO STRICT v_state FROM orders o WHERE o.station_id = p_station AND o.id = r.order_id;
  INSERT INTO order_event(station_id, order_id, from_state, to_state, actor, reason, detail)
    VALUES (p_station, r.order_id, v_state, v_state, p_actor, 'refund request ' || p_state, jsonb_build_object('note', p_answer));
  PERFORM _publish('refund_request.' || p_state, p_station, jsonb_build_object('request_id', p_id, 'order_id', r.order_id, 'member_id', r.member_id));
END $f$;
