-- Guarded functions of payments. A notice, a query's answer and a payment by balance all end here, in one statement.

-- Set money aside to be given back and queue the refund. A wallet gets it at once. p_key tells a person's requests apart.
-- grant: nobody
CREATE OR REPLACE FUNCTION _refund_attempt(p_station bigint, p_attempt bigint, p_provider_ref text, p_amount bigint, p_reason text,
  p_key text DEFAULT '', p_actor text DEFAULT 'system', p_note text DEFAULT '') RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $f$
DECLARE v record; v_id bigint; v_from bigint; v_payable bigint := _account(p_station, 'refund_payable'); v_n int;
BEGIN
  -- Two reasons to give back may come at once (refused by a person, paid twice): the second counts after the first.
  -- NO KEY: a plain FOR UPDATE would collide with the foreign keys of the other one's refund, and both would be stuck.
  SELECT * INTO STRICT v FROM payment_attempt WHERE station_id = p_station AND id = p_attempt FOR NO KEY UPDATE;
  SELECT count(*) INTO v_n FROM refund WHERE station_id = p_station AND attempt_id = p_attempt;
  INSERT INTO refund(station_id, refund_no, attempt_id, order_id, provider_ref, amount, reason, request_key, requested_by, note)
    VALUES (p_station, 'R' || v.attempt_no || lpad((v_n + 1)::text, 2, '0'), p_attempt, v.order_id, p_provider_ref, p_amount, p_reason, p_key, p_actor, p_note)
    ON CONFLICT ON CONSTRAINT refund_once DO NOTHING RETURNING id INTO v_id;
  IF v_id IS NULL THEN RETURN NULL; END IF;
  v_from := CASE WHEN v.purpose = 'order' THEN _account(p_station, 'order_clearing') ELSE _account(p_station, 'order_clearing', 'surplus') END;
  PERFORM _post('refund:' || p_station || ':' || v_id || ':reserve', p_station, v.order_id, p_attempt, v_id,
    ARRAY[v_from], ARRAY[v_payable], ARRAY[p_amount], ARRAY['refund.reserve']);
  IF v.plugin_id = 'payment-balance' THEN
    PERFORM _post('refund:' || p_station || ':' || v_id || ':pay', p_station, v.order_id, p_attempt, v_id,
      ARRAY[v_payable], ARRAY[_account(p_station, 'wallet', v.member_id::text)], ARRAY[p_amount], ARRAY['refund.wallet']);
    UPDATE refund SET state = 'succeeded', done_at = now(), next_try_at = NULL WHERE station_id = p_station AND id = v_id;
  ELSE
    PERFORM _publish('refund.created', p_station, jsonb_build_object('refund_id', v_id));
  END IF;
  RETURN v_id;
END $f$;

-- Give back everything an order has been paid with. p_from → refunding (→ refunded at once for a wallet).
-- grant: nobody
CREATE OR REPLACE FUNCTION _refund_order(p_station bigint, p_order bigint, p_from text, p_reason text, p_actor text, p_text text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $f$
DECLARE v record; v_open int;
BEGIN
  PERFORM _move_order(p_station, p_order, p_from, 'refunding', p_actor, p_text, interval '24 hours');
  PERFORM _unfund_order(p_station, p_order);
  FOR v IN SELECT a.id, a.provider_ref, a.amount FROM payment_attempt a WHERE a.station_id = p_station AND a.order_id = p_order AND a.state = 'succeeded'
      AND NOT EXISTS (SELECT 1 FROM refund r WHERE r.station_id = a.station_id AND r.attempt_id = a.id AND r.provider_ref = a.provider_ref) LOOP
    PERFORM _refund_attempt(p_station, v.id, v.provider_ref, v.amount, p_reason);
  END LOOP;
  PERFORM _publish('order.refunding', p_station, jsonb_build_object('order_id', p_order, 'reason', p_reason));
  PERFORM _close_refunded(p_station, p_order);
END $f$;

-- refunding → refunded once no refund of the order is open. The order is locked before they are counted: of two refunds
-- that end at the same moment each would see the other one open, and nobody would close the order.
-- grant: nobody
CREATE OR REPLACE FUNCTION _close_refunded(p_station bigint, p_order bigint) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $f$
DECLARE v_state text;
BEGIN
  SELECT state INTO v_state FROM orders WHERE station_id = p_station AND id = p_order FOR NO KEY UPDATE;
  IF v_state = 'refunding' AND NOT EXISTS (SELECT 1 FROM refund WHERE station_id = p_station AND order_id = p_order AND state <> 'succeeded') THEN
    PERFORM _move_order(p_station, p_order, 'refunding', 'refunded', 'system', 'money returned');
    PERFORM _publish('order.refunded', p_station, jsonb_build_object('order_id', p_order));
  END IF;
END $f$;

-- Money has arrived for an attempt (by notice or by query). One statement: attempt, ledger, order, cards, events, outbox.
-- p_holder, p_account: whose account at the gateway said so; another account's word about this attempt is none.
-- codes: ok, topped_up, held, awaiting_fulfilment, awaiting_funds, awaiting_recovery, repeat, refund_no_stock, refund_late, refund_surplus,
--        attempt_unknown, amount_mismatch, currency_mismatch, reference_taken. Raises KM005 while p_wait and cards are locked by others.
-- grant: main
CREATE OR REPLACE FUNCTION apply_payment(p_station bigint, p_attempt_no text, p_plugin text, p_amount bigint, p_currency text,
  p_provider_ref text, p_source text, p_wait boolean, p_holder bigint DEFAULT 1, p_account text DEFAULT '')
RETURNS TABLE (code text, order_id bigint, order_no text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $f$
DECLARE v record; o record; v_cash bigint; v_collect bigint; v_first boolean; v_reason text;
BEGIN
  PERFORM _enter_station(p_station);
  SELECT * INTO v FROM payment_attempt a WHERE a.station_id = p_station AND a.attempt_no = p_attempt_no AND a.plugin_id = p_plugin
     AND a.account_station_id = p_holder AND a.account = p_account FOR NO KEY UPDATE;
  IF NOT FOUND THEN RETURN QUERY SELECT 'attempt_unknown', NULL::bigint, NULL::text; RETURN; END IF;
  IF v.currency <> p_currency THEN RETURN QUERY SELECT 'currency_mismatch', v.order_id, NULL::text; RETURN; END IF;
  IF v.amount <> p_amount THEN
    -- Never fulfilled by itself: a person looks. Nothing changes but the alert (raised once).
    INSERT INTO alert(station_id, kind, subject, title, detail) VALUES (1, 'payment_amount', 'attempt:' || p_station || ':' || v.id, 'payment amount differs',
      jsonb_build_object('attempt_no', p_attempt_no, 'expected', v.amount, 'received', p_amount, 'provider_ref', p_provider_ref)) ON CONFLICT DO NOTHING;
    RETURN QUERY SELECT 'amount_mismatch', v.order_id, NULL::text; RETURN;
  END IF;
  IF EXISTS (SELECT 1 FROM payment_attempt a WHERE a.station_id = p_station AND a.plugin_id = p_plugin AND a.provider_ref = p_provider_ref
      AND a.provider_ref <> '' AND a.state = 'succeeded' AND a.id <> v.id) THEN
    -- This payment has paid another attempt already; it cannot pay two. A person looks.
    INSERT INTO alert(station_id, kind, subject, title, detail) VALUES (1, 'payment_reference', 'attempt:' || p_station || ':' || v.id, 'payment reference used twice',
      jsonb_build_object('attempt_no', p_attempt_no, 'provider_ref', p_provider_ref)) ON CONFLICT DO NOTHING;
    RETURN QUERY SELECT 'reference_taken', v.order_id, NULL::text; RETURN;
  END IF;
  v_first := v.state <> 'succeeded';
  IF NOT v_first AND v.provider_ref = '' THEN -- so far nobody had named the payment: this is its name, not a second payment
    UPDATE payment_attempt a SET provider_ref = p_provider_ref WHERE a.station_id = p_station AND a.id = v.id
      AND NOT EXISTS (SELECT 1 FROM refund r WHERE r.station_id = p_station AND r.attempt_id = v.id);
  END IF;
  IF NOT v_first AND ('' IN (v.provider_ref, p_provider_ref) OR v.provider_ref = p_provider_ref OR EXISTS (
      SELECT 1 FROM refund r WHERE r.station_id = p_station AND r.attempt_id = v.id AND r.provider_ref = p_provider_ref)) THEN
    RETURN QUERY SELECT 'repeat', v.order_id, (SELECT x.order_no FROM orders x WHERE x.station_id = p_station AND x.id = v.order_id); RETURN;
  END IF;
  v_cash := _cash_account(p_station, v.id);
  v_collect := CASE WHEN v.purpose = 'order' THEN _account(p_station, 'order_clearing') WHEN NOT v_first THEN _account(p_station, 'order_clearing', 'surplus')
                    WHEN v.purpose = 'top_up' THEN _account(p_station, 'wallet', v.member_id::text) ELSE _account(p_station, v.purpose) END;
  IF v_first THEN
    UPDATE payment_attempt a SET state = 'succeeded', provider_ref = p_provider_ref, paid_at = now(), closed_at = now(), next_query_at = NULL
      WHERE a.station_id = p_station AND a.id = v.id;
  END IF;
  PERFORM _post('attempt:' || p_station || ':' || v.id || ':collect:' || p_provider_ref, p_station, v.order_id, v.id, NULL,
    ARRAY[v_cash, _account(1, 'gateway_fee')], ARRAY[v_collect, v_cash], -- the fee at a station's own account is the station's matter
    ARRAY[p_amount, CASE v.account_station_id WHEN 1 THEN v.fee ELSE 0 END], ARRAY['payment.collect', 'payment.fee']);
  IF NOT v_first THEN -- the same attempt paid a second time: the surplus goes back by itself
    PERFORM _refund_attempt(p_station, v.id, p_provider_ref, p_amount, 'paid_twice');
    RETURN QUERY SELECT 'refund_surplus', v.order_id, NULL::text; RETURN;
  END IF;
  IF v.purpose IN ('prepaid', 'deposit') THEN
    PERFORM _publish('station.paid_in', p_station, jsonb_build_object('attempt_id', v.id, 'purpose', v.purpose));
    RETURN QUERY SELECT 'topped_up', NULL::bigint, NULL::text; RETURN;
  END IF;
  IF v.purpose = 'top_up' THEN
    PERFORM _grant_bonus(p_station, v.id, v.member_id, p_amount);
    PERFORM _publish('wallet.topped_up', p_station, jsonb_build_object('member_id', v.member_id, 'attempt_id', v.id));
    RETURN QUERY SELECT 'topped_up', NULL::bigint, NULL::text; RETURN;
  END IF;
  SELECT x.id, x.order_no, x.state, x.kind, x.risk, x.sku_id, x.quantity INTO STRICT o FROM orders x WHERE x.station_id = p_station AND x.id = v.order_id FOR NO KEY UPDATE;
  IF o.state NOT IN ('pending_payment', 'expired', 'cancelled') THEN -- paid already by another attempt
    PERFORM _refund_attempt(p_station, v.id, p_provider_ref, p_amount, 'paid_twice');
    RETURN QUERY SELECT 'refund_surplus', o.id, o.order_no; RETURN;
  END IF;
  UPDATE orders x SET paid_method = v.method, collected_by = v.account_station_id WHERE x.station_id = p_station AND x.id = o.id;
  PERFORM _move_order(p_station, o.id, o.state, 'paid', v.plugin_id, p_source, interval '2 minutes');
  code := _fulfil_paid(p_station, o.id, v.id, NULL, p_wait, o.state <> 'pending_payment');
  RETURN QUERY SELECT code, o.id, o.order_no;
END $f$;

-- What follows on a payment: deliver cards, hold for risk, hand over to supply, or refund when there is nothing to deliver.
-- grant: nobody
CREATE OR REPLACE FUNCTION _fulfil_paid(p_station bigint, p_order bigint, p_attempt bigint, p_wallet bigint, p_wait boolean, p_late boolean) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $f$
DECLARE o record;
BEGIN
  SELECT * INTO STRICT o FROM orders x WHERE x.station_id = p_station AND x.id = p_order;
  IF _recovering() THEN -- the money is in the books; goods follow when it is known what has left already
    UPDATE card SET held_until = NULL WHERE station_id = p_station AND order_id = p_order AND status = 1;
    IF o.source = 'supplier' THEN PERFORM _ask_person(p_station, p_order); END IF;
    IF p_late OR o.risk <> 'allow' THEN -- late: its cards went back, it may have got others in the time that is forgotten
      PERFORM _move_order(p_station, p_order, 'paid', 'held', 'recovery', CASE WHEN p_late THEN 'paid late, before or during recovery' ELSE 'risk review' END, interval '60 minutes');
    END IF;
    RETURN 'awaiting_recovery';
  END IF;
  IF p_late AND NOT _retake_flash_unit(p_station, p_order) THEN -- its unit of a flash sale went back, and others have it now
    PERFORM _refund_order(p_station, p_order, 'paid', 'late_payment', 'system', 'no unit of the flash sale left');
    RETURN 'refund_late';
  END IF;
  IF o.risk <> 'allow' THEN
    IF p_wallet IS NOT NULL THEN PERFORM _collect_wallet(p_station, p_order, p_attempt, p_wallet, o.payable); END IF;
    UPDATE card SET held_until = NULL WHERE station_id = p_station AND order_id = p_order AND status = 1;
    PERFORM _move_order(p_station, p_order, 'paid', 'held', 'risk', 'risk review', interval '60 minutes');
    PERFORM _publish('order.held', p_station, jsonb_build_object('order_id', p_order));
    RETURN 'held';
  END IF;
  IF NOT _fund_order(p_station, p_order) THEN -- its goods stay held until the station has paid in
    UPDATE card SET held_until = NULL WHERE station_id = p_station AND order_id = p_order AND status = 1;
    UPDATE orders x SET deadline_at = x.paid_at + interval '30 minutes' WHERE x.station_id = p_station AND x.id = p_order;
    INSERT INTO alert(station_id, kind, subject, title, detail) VALUES (p_station, 'station_funds', 'prepaid', 'prepaid account is short',
      jsonb_build_object('order_no', o.order_no, 'due', _wholesale(p_station, p_order))) ON CONFLICT DO NOTHING;
    RETURN 'awaiting_funds';
  END IF;
  IF o.source = 'supplier' THEN
    IF p_wallet IS NOT NULL THEN PERFORM _collect_wallet(p_station, p_order, p_attempt, p_wallet, o.payable); END IF;
    PERFORM _publish('order.paid', p_station, jsonb_build_object('order_id', p_order));
    RETURN 'awaiting_fulfilment';
  END IF;
  BEGIN
    PERFORM _deliver_cards(p_station, p_order, 'paid', p_attempt, p_wallet, 'system', 'cards claimed');
    RETURN 'ok';
  EXCEPTION
    WHEN SQLSTATE 'KM005' THEN IF p_wait OR p_wallet IS NOT NULL THEN RAISE; END IF;
    WHEN SQLSTATE 'KM001' THEN IF p_wallet IS NOT NULL THEN RAISE; END IF;
  END;
  -- The pool is empty. The subtransaction above is undone; held cards, if any, go back. Where suppliers have the goods they are asked, else the money goes back.
  PERFORM _release_cards(p_station, p_order);
  IF EXISTS (SELECT 1 FROM sku s JOIN supply_level u ON u.sku_id = s.id WHERE s.id = o.sku_id AND s.sourcing <> 'pool' AND coalesce(u.available, o.quantity) >= o.quantity) THEN
    UPDATE orders x SET source = 'supplier' WHERE x.station_id = p_station AND x.id = p_order;
    PERFORM _publish('order.paid', p_station, jsonb_build_object('order_id', p_order));
    RETURN 'awaiting_fulfilment';
  END IF;
  PERFORM _refund_order(p_station, p_order, 'paid', CASE WHEN p_late THEN 'late_payment' ELSE 'no_stock' END, 'system', 'no card left');
  RETURN CASE WHEN p_late THEN 'refund_late' ELSE 'refund_no_stock' END;
END $f$;

-- grant: nobody
CREATE OR REPLACE FUNCTION _collect_wallet(p_station bigint, p_order bigint, p_attempt bigint, p_wallet bigint, p_amount bigint) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $f$
  SELECT _post('attempt:' || p_station || ':' || p_attempt || ':collect:', p_station, p_order, p_attempt, NULL,
    ARRAY[p_wallet], ARRAY[_account(p_station, 'order_clearing')], ARRAY[p_amount], ARRAY['wallet.pay'])
$f$;

-- Pay an order from its member's wallet: one statement. codes: ok, held, awaiting_fulfilment, repeat, not_found, bad_state;
-- raises KM003 (not enough), KM001, KM005: then nothing has happened.
-- grant: app
CREATE OR REPLACE FUNCTION pay_with_balance(p_station bigint, p_order_no text, p_member bigint, p_attempt_no text) RETURNS TABLE (code text, order_id bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $f$
DECLARE o record; v_attempt bigint;
BEGIN
  PERFORM _enter_station(p_station);
  SELECT * INTO o FROM orders x WHERE x.station_id = p_station AND x.order_no = p_order_no AND x.member_id = p_member FOR NO KEY UPDATE;
  IF NOT FOUND THEN RETURN QUERY SELECT 'not_found', NULL::bigint; RETURN; END IF;
  IF o.paid_at IS NOT NULL THEN RETURN QUERY SELECT 'repeat', o.id; RETURN; END IF;
  IF o.state <> 'pending_payment' OR o.expires_at < now() OR _recovering() THEN RETURN QUERY SELECT 'bad_state', o.id; RETURN; END IF;
  INSERT INTO payment_attempt(station_id, attempt_no, purpose, order_id, member_id, plugin_id, method, amount, state, sent_at, paid_at, closed_at, expires_at)
    VALUES (p_station, p_attempt_no, 'order', o.id, p_member, 'payment-balance', 'balance', o.payable, 'succeeded', now(), now(), now(), o.expires_at)
    RETURNING id INTO v_attempt;
  UPDATE orders x SET paid_method = 'balance' WHERE x.station_id = p_station AND x.id = o.id;
  PERFORM _move_order(p_station, o.id, 'pending_payment', 'paid', 'member:' || p_member, 'paid by balance', interval '2 minutes');
  code := _fulfil_paid(p_station, o.id, v_attempt, _account(p_station, 'wallet', p_member::text), true, false);
  RETURN QUERY SELECT code, o.id;
END $f$;

-- The gateway's answer to a refund. p_state: succeeded, declined, unknown, sent.
-- grant: main
CREATE OR REPLACE FUNCTION settle_refund(p_station bigint, p_refund_no text, p_state text, p_ref text, p_message text, p_next interval) RETURNS TABLE (code text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $f$
DECLARE r record;
BEGIN
  SELECT * INTO r FROM refund x WHERE x.station_id = p_station AND x.refund_no = p_refund_no FOR NO KEY UPDATE;
  IF NOT FOUND THEN RETURN QUERY SELECT 'not_found'; RETURN; END IF;
  IF r.state = 'succeeded' THEN RETURN QUERY SELECT 'repeat'; RETURN; END IF;
  UPDATE refund x SET state = p_state, refund_ref = CASE WHEN p_ref <> '' THEN p_ref ELSE x.refund_ref END, message = p_message, tries = x.tries + 1,
         next_try_at = CASE WHEN p_state IN ('succeeded', 'declined') THEN NULL ELSE now() + p_next END,
         done_at = CASE WHEN p_state = 'succeeded' THEN now() END
   WHERE x.station_id = p_station AND x.id = r.id;
  IF p_state = 'succeeded' THEN
    PERFORM _post('refund:' || p_station || ':' || r.id || ':pay', p_station, r.order_id, r.attempt_id, r.id,
      ARRAY[_account(p_station, 'refund_payable')], ARRAY[_cash_account(p_station, r.attempt_id)], ARRAY[r.amount], ARRAY['refund.pay']);
    IF r.order_id IS NOT NULL THEN PERFORM _close_refunded(p_station, r.order_id); END IF;
  ELSIF p_state = 'declined' THEN
    INSERT INTO alert(station_id, kind, subject, title, detail) VALUES (1, 'refund_declined', 'refund:' || p_station || ':' || r.id, 'refund declined',
      jsonb_build_object('refund_no', p_refund_no, 'message', p_message)) ON CONFLICT DO NOTHING;
  END IF;
  RETURN QUERY SELECT 'ok';
END $f$;

-- A declined refund is tried once more, under its own number. codes: ok, not_found, bad_state.
-- grant: main
CREATE OR REPLACE FUNCTION retry_refund(p_station bigint, p_refund_no text, p_actor text) RETURNS TABLE (code text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $f$
DECLARE r record;
BEGIN
  PERFORM _enter_station(p_station);
  SELECT x.id, x.state INTO r FROM refund x WHERE x.station_id = p_station AND x.refund_no = p_refund_no FOR NO KEY UPDATE;
  IF NOT FOUND THEN RETURN QUERY SELECT 'not_found'; RETURN; END IF;
  IF r.state <> 'declined' THEN RETURN QUERY SELECT 'bad_state'; RETURN; END IF;
  -- Not "created": what became of the last try is asked first.
  UPDATE refund x SET state = 'unknown', next_try_at = now(), message = 'tried again by ' || p_actor WHERE x.station_id = p_station AND x.id = r.id;
  UPDATE alert SET state = 'closed', closed_at = now() WHERE station_id = 1 AND kind = 'refund_declined' AND subject = 'refund:' || p_station || ':' || r.id AND state = 'open';
  RETURN QUERY SELECT 'ok';
END $f$;

-- A person has given the money back past the gateway (bank transfer, a gateway that refuses): p_ref tells the payment.
-- Only where no answer of the gateway can come any more. codes: ok, repeat, not_found, bad_state.
-- grant: main
CREATE OR REPLACE FUNCTION refund_by_hand(p_station bigint, p_refund_no text, p_actor text, p_ref text, p_note text) RETURNS TABLE (code text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $f$
DECLARE r record; a record; v_cash bigint;
BEGIN
  PERFORM _enter_station(p_station);
  SELECT * INTO r FROM refund x WHERE x.station_id = p_station AND x.refund_no = p_refund_no FOR NO KEY UPDATE;
  IF NOT FOUND THEN RETURN QUERY SELECT 'not_found'; RETURN; END IF;
  IF r.state = 'succeeded' THEN RETURN QUERY SELECT CASE WHEN r.by_hand <> '' THEN 'repeat' ELSE 'bad_state' END; RETURN; END IF;
  IF r.state <> 'declined' THEN RETURN QUERY SELECT 'bad_state'; RETURN; END IF;
  SELECT x.account_station_id INTO STRICT a FROM payment_attempt x WHERE x.station_id = p_station AND x.id = r.attempt_id;
  v_cash := CASE WHEN a.account_station_id = 1 THEN _account(1, 'gateway_clearing', 'hand') ELSE _account(p_station, 'station_gateway') END;
  UPDATE refund x SET state = 'succeeded', by_hand = p_actor, refund_ref = p_ref, note = CASE WHEN p_note <> '' THEN p_note ELSE x.note END, done_at = now(), next_try_at = NULL
   WHERE x.station_id = p_station AND x.id = r.id;
  PERFORM _post('refund:' || p_station || ':' || r.id || ':pay', p_station, r.order_id, r.attempt_id, r.id,
    ARRAY[_account(p_station, 'refund_payable')], ARRAY[v_cash], ARRAY[r.amount], ARRAY['refund.hand']);
  UPDATE alert SET state = 'closed', closed_at = now() WHERE station_id = 1 AND kind = 'refund_declined' AND subject = 'refund:' || p_station || ':' || r.id AND state = 'open';
  IF r.order_id IS NOT NULL THEN PERFORM _close_refunded(p_station, r.order_id); END IF;
  RETURN QUERY SELECT 'ok';
END $f$;

-- A callback as it came, and its effect: one statement, so both are stored or neither. A copy only counts up.
-- p_attempt_no NULL: nothing to apply (refused, or a kind that does not matter), p_result says why.
-- The address is no secret to shoppers, so junk must not fill the disk: of the refused, 50 an hour are kept whole,
-- the rest is counted in one row of that hour.
-- grant: main
CREATE OR REPLACE FUNCTION receive_notice(p_station bigint, p_plugin text, p_digest bytea, p_method text, p_query text, p_headers jsonb, p_body bytea, p_ip text,
  p_result text, p_attempt_no text, p_amount bigint, p_currency text, p_provider_ref text, p_wait boolean, p_holder bigint DEFAULT 1, p_account text DEFAULT '')
RETURNS TABLE (code text, order_id bigint, order_no text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $f$
DECLARE v record; v_hour text := date_trunc('hour', now())::text;
BEGIN
  PERFORM _enter_station(p_station);
  IF p_result LIKE 'refused%' AND NOT EXISTS (SELECT 1 FROM payment_notice n WHERE n.station_id = p_station AND n.plugin_id = p_plugin AND n.digest = p_digest)
     AND 50 <= (SELECT count(*) FROM (SELECT n.plugin_id, n.result, n.at FROM payment_notice n WHERE n.station_id = p_station ORDER BY n.id DESC LIMIT 2000) r
       WHERE r.plugin_id = p_plugin AND r.result LIKE 'refused%' AND r.at > now() - interval '1 hour') THEN
    p_digest := sha256(convert_to('more refused ' || v_hour, 'UTF8')); p_query := ''; p_headers := '{}'; p_body := ''; p_result := 'refused: more in this hour, counted only';
  END IF;
  IF p_attempt_no IS NULL THEN
    SELECT p_result AS code, NULL::bigint AS order_id, NULL::text AS order_no INTO v;
  ELSE
    SELECT a.code, a.order_id, a.order_no INTO v FROM apply_payment(p_station, p_attempt_no, p_plugin, p_amount, p_currency, p_provider_ref, 'notice', p_wait, p_holder, p_account) a;
  END IF;
  PERFORM _keep_notice(p_station, p_plugin, p_digest, p_method, p_query, p_headers, p_body, p_ip, v.code, p_attempt_no);
  RETURN QUERY SELECT v.code, v.order_id, v.order_no;
END $f$;
