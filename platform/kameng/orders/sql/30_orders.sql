-- Guarded functions of orders. State changes happen here alone; each leaves an event (who, when, why).

-- grant: nobody
CREATE OR REPLACE FUNCTION _move_order(p_station bigint, p_order bigint, p_from text, p_to text, p_actor text, p_reason text, p_deadline interval DEFAULT NULL) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $f$
BEGIN
  UPDATE orders SET state = p_to, updated_at = now(), deadline_at = now() + p_deadline,
         paid_at = CASE WHEN p_to = 'paid' THEN coalesce(paid_at, now()) ELSE paid_at END,
         delivered_at = CASE WHEN p_to = 'delivered' THEN now() ELSE delivered_at END
   WHERE station_id = p_station AND id = p_order AND state = p_from;
  IF NOT FOUND THEN RAISE EXCEPTION 'order %/% is not %', p_station, p_order, p_from USING ERRCODE = 'KM006'; END IF;
  -- Nothing has come of it: its unit of a flash sale is free again. What was delivered keeps its unit, also when its money goes back.
  IF p_to IN ('cancelled', 'expired') OR p_to = 'refunding' AND p_from NOT IN ('partially_delivered', 'delivered', 'completed') THEN
    UPDATE flash_unit u SET order_id = NULL, buyer = NULL, taken_at = NULL WHERE u.station_id = p_station AND u.order_id = p_order;
  END IF;
  INSERT INTO order_event(station_id, order_id, from_state, to_state, actor, reason) VALUES (p_station, p_order, p_from, p_to, p_actor, p_reason);
END $f$;

-- grant: nobody
CREATE OR REPLACE FUNCTION _publish(p_topic text, p_station bigint, p_payload jsonb) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $f$
  INSERT INTO outbox(station_id, topic, payload) VALUES (p_station, p_topic, p_payload)
$f$;

-- Place an order and hold its cards: one statement. Refusals leave nothing behind and burn no key.
-- codes: ok, repeat (same key and content: the order of the first time), conflict, station_closed, sku_unknown,
-- not_on_sale, quantity_invalid, price_changed (payable = the new one), hold_limit; raises KM001, KM005.
-- p_flash: the number of a flash sale, for one piece; then also flash_not_running, KM011, KM012 as _take_flash_unit says.
-- grant: app
CREATE OR REPLACE FUNCTION place_order(p_station bigint, p_channel text, p_key text, p_hash bytea, p_member bigint, p_shopper text,
  p_contact text, p_secret_hash bytea, p_ip text, p_order_no text, p_sku bigint, p_quantity int, p_expected bigint, p_inputs jsonb,
  p_risk text, p_risk_reasons jsonb, p_hold_minutes int, p_cap_shopper int, p_cap_ip int, p_cap_share int, p_flash text DEFAULT NULL)
RETURNS TABLE (code text, order_id bigint, order_no text, payable bigint, expires_at timestamptz)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $f$
DECLARE v record; v_old record; f record; v_id bigint; v_source text; v_total bigint; v_payable bigint; v_until timestamptz := now() + make_interval(mins => p_hold_minutes);
        v_held bigint; v_free int;
BEGIN
  PERFORM _enter_station(p_station);
  SELECT o.id, o.order_no, o.payable, o.expires_at, o.request_hash INTO v_old FROM orders o WHERE o.station_id = p_station AND o.idempotency_key = p_key;
  IF FOUND THEN
    RETURN QUERY SELECT CASE WHEN v_old.request_hash = p_hash THEN 'repeat' ELSE 'conflict' END, v_old.id, v_old.order_no, v_old.payable, v_old.expires_at;
    RETURN;
  END IF;
  SELECT st.state AS station_state, l.price, l.version, l.explain, l.active, s.state AS sku_state, s.name AS sku_name, s.min_quantity, s.max_quantity, s.sourcing,
         p.state AS product_state, p.name AS product_name, p.kind, pc.cost, pc.parties, pc.margins, pc.explain AS full_explain,
         u.sku_id IS NOT NULL AS supplied, u.available
    INTO v FROM station st JOIN sku s ON s.id = p_sku JOIN product p ON p.id = s.product_id
    LEFT JOIN listing l ON l.station_id = st.id AND l.sku_id = s.id
    LEFT JOIN price_chain pc ON pc.station_id = st.id AND pc.sku_id = s.id
    LEFT JOIN supply_level u ON u.sku_id = s.id WHERE st.id = p_station;
  IF NOT FOUND THEN RETURN QUERY SELECT 'sku_unknown', NULL::bigint, NULL::text, NULL::bigint, NULL::timestamptz; RETURN; END IF;
  v_total := v.price * p_quantity;
  v_payable := (v_total + 50) / 100 * 100; -- whole fen, half up; the difference is posted
  code := CASE
    WHEN v.station_state NOT IN ('trial', 'active', 'restricted') OR _recovering() THEN 'station_closed'
    WHEN v.price IS NULL OR v.cost IS NULL OR NOT v.active OR v.sku_state <> 'on_sale' OR v.product_state <> 'on_sale' THEN 'not_on_sale'
    WHEN p_quantity < v.min_quantity OR p_quantity > v.max_quantity THEN 'quantity_invalid' END;
  IF code IS NULL AND p_flash IS NOT NULL THEN
    SELECT * INTO f FROM _flash_terms(p_station, p_flash, p_sku, p_quantity, v.price, v.margins, v.explain, v.full_explain);
    IF f.sale_id IS NULL THEN code := 'flash_not_running';
    ELSE v.price := f.price; v_total := f.price; v_payable := f.payable; v.margins := f.margins; v.explain := f.explain; v.full_explain := f.full_explain;
    END IF;
  END IF;
  IF code IS NULL AND v_payable <> p_expected THEN code := 'price_changed'; END IF;
  IF code IS NOT NULL THEN RETURN QUERY SELECT code, NULL::bigint, NULL::text, v_payable, NULL::timestamptz; RETURN; END IF;
  -- Cards come from the pool while it has them; what comes from suppliers must be there to be had. Without offers only a person is asked.
  v_source := CASE WHEN v.kind <> 'card' OR v.sourcing = 'supplier' OR v.sourcing = 'pool_first' AND _free_cards(p_sku, p_quantity) < p_quantity THEN 'supplier' ELSE 'pool' END;
  IF v_source = 'supplier' AND (v.kind = 'card' AND NOT v.supplied OR v.available < p_quantity) THEN RAISE EXCEPTION 'out_of_stock' USING ERRCODE = 'KM001'; END IF;
  IF v_source = 'pool' THEN
    -- Parallel requests of one shopper queue here, so that together they cannot pass the cap.
    PERFORM pg_advisory_xact_lock(hashtextextended('hold:' || p_sku || ':' || p_shopper, 0));
    SELECT coalesce(sum(o.quantity), 0) INTO v_held FROM orders o WHERE o.sku_id = p_sku AND o.shopper_key = p_shopper AND o.state = 'pending_payment';
    IF v_held + p_quantity > 5 THEN
      v_free := _free_cards(p_sku, 10000);
      IF v_free < p_quantity THEN RAISE EXCEPTION 'out_of_stock' USING ERRCODE = 'KM001'; END IF;
      IF v_held + p_quantity > least(p_cap_shopper, greatest(5, (v_free + v_held) * p_cap_share / 100)) THEN code := 'hold_limit'; END IF;
    END IF;
    IF code IS NULL AND p_ip <> '' THEN
      SELECT coalesce(sum(o.quantity), 0) INTO v_held FROM orders o WHERE o.sku_id = p_sku AND o.ip = p_ip AND o.state = 'pending_payment';
      IF v_held + p_quantity > p_cap_ip THEN code := 'hold_limit'; END IF;
    END IF;
    IF code IS NOT NULL THEN RETURN QUERY SELECT code, NULL::bigint, NULL::text, v_payable, NULL::timestamptz; RETURN; END IF;
  END IF;
  INSERT INTO orders AS o (station_id, order_no, channel, idempotency_key, request_hash, member_id, shopper_key, contact, secret_hash, ip, sku_id, kind, source,
      product_name, sku_name, quantity, unit_price, total, payable, inputs, price_explain, price_version, risk, risk_reasons, state, expires_at, deadline_at)
    VALUES (p_station, p_order_no, p_channel, p_key, p_hash, p_member, p_shopper, p_contact, p_secret_hash, p_ip, p_sku, v.kind, v_source,
      v.product_name, v.sku_name, p_quantity, v.price, v_total, v_payable, p_inputs, v.explain, v.version, p_risk, p_risk_reasons,
      'pending_payment', v_until, v_until)
    ON CONFLICT (station_id, idempotency_key) DO NOTHING RETURNING o.id INTO v_id;
  IF v_id IS NULL THEN -- the same key arrived twice at once; the first has committed by now
    RETURN QUERY SELECT CASE WHEN o.request_hash = p_hash THEN 'repeat' ELSE 'conflict' END, o.id, o.order_no, o.payable, o.expires_at
      FROM orders o WHERE o.station_id = p_station AND o.idempotency_key = p_key;
    RETURN;
  END IF;
  IF p_flash IS NOT NULL THEN PERFORM _take_flash_unit(p_station, f.sale_id, v_id, p_shopper); END IF;
  IF v_source = 'pool' THEN PERFORM _take_cards(p_station, v_id, p_sku, p_quantity, 1::smallint, v_until); END IF;
  INSERT INTO order_cost(station_id, order_id, cost, parties, margins, explain) VALUES (p_station, v_id, v.cost, v.parties, v.margins, v.full_explain);
  INSERT INTO order_event(station_id, order_id, to_state, actor, reason) VALUES (p_station, v_id, 'pending_payment', p_shopper, 'placed');
  RETURN QUERY SELECT 'ok', v_id, p_order_no, v_payable, v_until;
END $f$;

-- Post what a sale means: cost to the goods account, each level its margin, the rounding difference. What a station has
-- collected itself it holds already, its own margin too; the levels above have been paid from its prepaid account.
-- p_wallet lets a payment from the wallet ride in the same transaction, so that its row is locked last.
-- grant: nobody
CREATE OR REPLACE FUNCTION _post_sale(p_station bigint, p_order bigint, p_attempt bigint, p_wallet bigint) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $f$
DECLARE v record; v_clearing bigint := _account(p_station, 'order_clearing'); d bigint[] := '{}'; c bigint[] := '{}'; a bigint[] := '{}'; k text[] := '{}'; i int;
BEGIN
  SELECT o.quantity, o.total, o.payable, o.collected_by <> 1 AS own, oc.cost, oc.parties, oc.margins INTO STRICT v
    FROM orders o JOIN order_cost oc ON oc.station_id = o.station_id AND oc.order_id = o.id WHERE o.station_id = p_station AND o.id = p_order;
  IF p_wallet IS NOT NULL THEN
    d := d || p_wallet; c := c || v_clearing; a := a || v.payable; k := k || 'wallet.pay'::text;
  END IF;
  d := d || v_clearing; c := c || _account(1, 'goods_cost'); a := a || v.cost * v.quantity; k := k || 'sale.cost'::text;
  FOR i IN 1 .. cardinality(v.parties) LOOP
    d := d || v_clearing; a := a || v.margins[i] * v.quantity; k := k || 'sale.margin'::text;
    c := c || _margin_account(v.parties[i], p_station, v.own);
  END LOOP;
  d := d || v_clearing; a := a || (v.payable - v.total); k := k || 'sale.rounding'::text;
  c := c || CASE WHEN v.own THEN _account(p_station, 'station_gateway') ELSE _account(1, 'rounding') END;
  PERFORM _post('order:' || p_station || ':' || p_order || ':sale', p_station, p_order, p_attempt, NULL, d, c, a, k);
  IF p_station <> 1 THEN PERFORM _open_settlements(p_station, p_order, v.quantity, v.own, v.parties, v.margins); END IF;
END $f$;

-- Where a level's margin of an order lies until it is released.
-- grant: nobody
CREATE OR REPLACE FUNCTION _margin_account(p_party bigint, p_seller bigint, p_own boolean) RETURNS bigint
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $f$
  SELECT CASE WHEN p_party = 1 THEN _account(1, 'revenue') WHEN p_own AND p_party = p_seller THEN _account(p_seller, 'station_gateway')
              ELSE _account(p_party, 'margin_pending') END
$f$;

-- Deliver a paid card order: its cards become sold, the money is split. State paid or held → delivered.
-- grant: nobody
CREATE OR REPLACE FUNCTION _deliver_cards(p_station bigint, p_order bigint, p_from text, p_attempt bigint, p_wallet bigint, p_actor text, p_reason text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $f$
DECLARE v record;
BEGIN
  SELECT o.sku_id, o.quantity, o.order_no INTO STRICT v FROM orders o WHERE o.station_id = p_station AND o.id = p_order;
  PERFORM _claim_cards(p_station, p_order, v.sku_id, v.quantity);
  PERFORM _move_order(p_station, p_order, p_from, 'delivered', p_actor, p_reason);
  PERFORM _publish('order.delivered', p_station, jsonb_build_object('order_id', p_order, 'order_no', v.order_no));
  PERFORM _post_sale(p_station, p_order, p_attempt, p_wallet);
END $f$;

-- grant: app, main
CREATE OR REPLACE FUNCTION cancel_order(p_station bigint, p_order_no text, p_actor text) RETURNS TABLE (code text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $f$
DECLARE v record;
BEGIN
  PERFORM _enter_station(p_station);
  SELECT o.id, o.state INTO v FROM orders o WHERE o.station_id = p_station AND o.order_no = p_order_no FOR NO KEY UPDATE;
  IF NOT FOUND THEN RETURN QUERY SELECT 'not_found'; RETURN; END IF;
  IF v.state = 'cancelled' THEN RETURN QUERY SELECT 'repeat'; RETURN; END IF;
  IF v.state <> 'pending_payment' THEN RETURN QUERY SELECT 'bad_state'; RETURN; END IF;
  IF _recovering() THEN RETURN QUERY SELECT 'recovering'; RETURN; END IF; -- it may have been paid: its cards stay its own
  PERFORM _move_order(p_station, v.id, 'pending_payment', 'cancelled', p_actor, 'cancelled');
  PERFORM _release_cards(p_station, v.id);
  PERFORM _publish('order.cancelled', p_station, jsonb_build_object('order_id', v.id));
  RETURN QUERY SELECT 'ok';
END $f$;

-- Expire unpaid orders whose time is over; their cards go back to the pool. Returns how many.
-- grant: main
CREATE OR REPLACE FUNCTION expire_orders(p_limit int) RETURNS TABLE (expired int)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $f$
DECLARE v record; n int := 0;
BEGIN
  IF _recovering() THEN RETURN QUERY SELECT 0; RETURN; END IF; -- they may have been paid: their cards stay their own
  FOR v IN SELECT o.station_id, o.id FROM orders o WHERE o.state = 'pending_payment' AND o.deadline_at < now() ORDER BY o.deadline_at LIMIT p_limit FOR NO KEY UPDATE SKIP LOCKED LOOP
    PERFORM _move_order(v.station_id, v.id, 'pending_payment', 'expired', 'system', 'not paid in time');
    PERFORM _release_cards(v.station_id, v.id);
    PERFORM _publish('order.expired', v.station_id, jsonb_build_object('order_id', v.id));
    n := n + 1;
  END LOOP;
  RETURN QUERY SELECT n;
END $f$;

-- Delivered orders nobody has complained about become completed after p_days.
-- grant: main
CREATE OR REPLACE FUNCTION complete_orders(p_days int, p_limit int) RETURNS TABLE (completed int)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $f$
DECLARE v record; n int := 0;
BEGIN
  FOR v IN SELECT o.station_id, o.id FROM orders o WHERE o.state = 'delivered' AND o.delivered_at < now() - make_interval(days => p_days) LIMIT p_limit FOR NO KEY UPDATE SKIP LOCKED LOOP
    PERFORM _move_order(v.station_id, v.id, 'delivered', 'completed', 'system', 'after-sales time is over');
    n := n + 1;
  END LOOP;
  RETURN QUERY SELECT n;
END $f$;

-- It cannot be fulfilled: the whole payment goes back. codes: ok, repeat, bad_state, purchase_open (a supplier may still deliver), delivered (a piece has come).
-- grant: main
CREATE OR REPLACE FUNCTION fail_order(p_station bigint, p_order_id bigint, p_reason text, p_actor text) RETURNS TABLE (code text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $f$
DECLARE v_state text;
BEGIN
  SELECT o.state INTO v_state FROM orders o WHERE o.station_id = p_station AND o.id = p_order_id FOR NO KEY UPDATE;
  IF v_state IN ('refunding', 'refunded') THEN RETURN QUERY SELECT 'repeat'; RETURN; END IF;
  IF v_state IS NULL OR v_state NOT IN ('paid', 'fulfilling') THEN RETURN QUERY SELECT 'bad_state'; RETURN; END IF;
  IF EXISTS (SELECT 1 FROM purchase p WHERE p.station_id = p_station AND p.order_id = p_order_id AND p.state IN ('created', 'sent', 'unknown')) THEN
    RETURN QUERY SELECT 'purchase_open'; RETURN;
  END IF;
  IF _delivered(p_station, p_order_id) > 0 THEN RETURN QUERY SELECT 'delivered'; RETURN; END IF;
  PERFORM _refund_order(p_station, p_order_id, v_state, 'failed', p_actor, p_reason);
  RETURN QUERY SELECT 'ok';
END $f$;

-- A person let a held order go on. codes: ok, repeat, bad_state, out_of_stock (it was paid late and its cards are gone: nothing has happened),
-- station_funds (the station has collected the money and its prepaid account cannot pay what is due: nothing has happened).
-- grant: main
CREATE OR REPLACE FUNCTION release_held(p_station bigint, p_order_id bigint, p_actor text, p_reason text) RETURNS TABLE (code text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $f$
DECLARE v record;
BEGIN
  SELECT o.state, o.source INTO v FROM orders o WHERE o.station_id = p_station AND o.id = p_order_id FOR NO KEY UPDATE;
  IF v.state IN ('paid', 'fulfilling', 'delivered', 'completed') THEN RETURN QUERY SELECT 'repeat'; RETURN; END IF;
  IF v.state IS DISTINCT FROM 'held' OR _recovering() THEN RETURN QUERY SELECT 'bad_state'; RETURN; END IF;
  IF NOT _fund_order(p_station, p_order_id) THEN RETURN QUERY SELECT 'station_funds'; RETURN; END IF;
  IF v.source = 'pool' THEN
    BEGIN
      PERFORM _deliver_cards(p_station, p_order_id, 'held', NULL, NULL, p_actor, p_reason);
    EXCEPTION WHEN SQLSTATE 'KM001' OR SQLSTATE 'KM005' THEN
      PERFORM _unfund_order(p_station, p_order_id);
      RETURN QUERY SELECT 'out_of_stock'; RETURN;
    END;
  ELSE
    PERFORM _move_order(p_station, p_order_id, 'held', 'paid', p_actor, p_reason, interval '2 minutes');
    PERFORM _publish('order.paid', p_station, jsonb_build_object('order_id', p_order_id));
  END IF;
  RETURN QUERY SELECT 'ok';
END $f$;

-- A person refused a held order: cards back to the pool, money back to the shopper.
-- grant: main
CREATE OR REPLACE FUNCTION refuse_held(p_station bigint, p_order_id bigint, p_actor text, p_reason text) RETURNS TABLE (code text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $f$
DECLARE v_state text;
BEGIN
  SELECT o.state INTO v_state FROM orders o WHERE o.station_id = p_station AND o.id = p_order_id FOR NO KEY UPDATE;
  IF v_state IN ('refunding', 'refunded') THEN RETURN QUERY SELECT 'repeat'; RETURN; END IF;
  IF v_state IS DISTINCT FROM 'held' THEN RETURN QUERY SELECT 'bad_state'; RETURN; END IF;
  PERFORM _release_cards(p_station, p_order_id);
  PERFORM _refund_order(p_station, p_order_id, 'held', 'risk_refused', p_actor, p_reason);
  RETURN QUERY SELECT 'ok';
END $f$;
