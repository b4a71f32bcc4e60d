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

-- Why _place found nothing to sell; code is NULL when nothing speaks against it any more.
-- grant: nobody
CREATE OR REPLACE FUNCTION _why_not_placed(p_station bigint, p_sku bigint, p_quantity int) RETURNS TABLE (code text, payable bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $f$
  SELECT CASE WHEN p.id IS NULL OR st.id IS NULL THEN 'sku_unknown' WHEN st.state NOT IN ('trial', 'active', 'restricted') OR EXISTS (SELECT FROM recovery r WHERE r.state = 'active') THEN 'station_closed'
           WHEN l.price IS NULL OR pc.cost IS NULL OR NOT l.active OR s.state <> 'on_sale' OR p.state <> 'on_sale' THEN 'not_on_sale'
           WHEN p_quantity < s.min_quantity OR p_quantity > s.max_quantity THEN 'quantity_invalid' END, (l.price * p_quantity + 50) / 100 * 100
    FROM (VALUES (1)) AS one LEFT JOIN station st ON st.id = p_station LEFT JOIN sku s ON s.id = p_sku LEFT JOIN product p ON p.id = s.product_id
    LEFT JOIN listing l ON l.station_id = st.id AND l.sku_id = s.id LEFT JOIN price_chain pc ON pc.station_id = st.id AND pc.sku_id = s.id
$f$;

-- Place an order and hold its cards; the body of place_order and place_and_open. One question finds the price, what the shopper holds already and
-- whether anything speaks against it; what that is gets asked only when it found nothing. A refusal first looks whether the key was used before.
-- subject: what the gateway is told is being paid.
-- grant: nobody
CREATE OR REPLACE FUNCTION _place(p_station bigint, p_channel text, p_key text, p_hash bytea, p_member bigint, p_shopper text,
  p_contact text, p_secret_hash bytea, p_ip text, p_order_no text, p_sku bigint, p_quantity int, p_expected bigint, p_inputs jsonb,
  p_risk text, p_risk_reasons jsonb, p_hold_minutes int, p_cap_shopper int, p_cap_ip int, p_cap_share int, p_flash text,
  OUT code text, OUT order_id bigint, OUT order_no text, OUT payable bigint, OUT expires_at timestamptz, OUT subject text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET plan_cache_mode = force_generic_plan AS $f$
#variable_conflict use_column
DECLARE v record; w record; f record; v_source text; v_total bigint; v_until timestamptz := now() + make_interval(mins => p_hold_minutes); v_free int; v_gone boolean := false; v_void text;
BEGIN
  -- Parallel requests of one shopper queue here, so that together they cannot pass the cap: what they hold is counted after it.
  v_void := pg_advisory_xact_lock(hashtextextended('hold:' || p_sku || ':' || p_shopper, 0))::text;
  LOOP
    -- Tables with commas: a LEFT JOIN would drag every column of every table through the plan of each order.
    SELECT l.price, l.version, l.explain, s.name AS sku_name, s.sourcing, p.name AS product_name, p.kind, pc.cost, pc.parties, pc.margins, pc.explain AS full_explain, h.mine, h.same_ip
      INTO v FROM station st, sku s, product p, listing l, price_chain pc,
           (SELECT coalesce(sum(o.quantity) FILTER (WHERE o.shopper_key = p_shopper), 0) AS mine, coalesce(sum(o.quantity) FILTER (WHERE o.ip = p_ip), 0) AS same_ip
              FROM orders o WHERE o.sku_id = p_sku AND o.state = 'pending_payment') AS h
     WHERE st.id = p_station AND st.state IN ('trial', 'active', 'restricted') AND s.id = p_sku AND s.state = 'on_sale' AND p.id = s.product_id AND p.state = 'on_sale'
       AND l.station_id = p_station AND l.sku_id = p_sku AND l.active AND pc.station_id = p_station AND pc.sku_id = p_sku AND p_quantity BETWEEN s.min_quantity AND s.max_quantity
       AND NOT EXISTS (SELECT FROM recovery r WHERE r.state = 'active');
    EXIT WHEN FOUND;
    SELECT y.code, y.payable INTO code, payable FROM _why_not_placed(p_station, p_sku, p_quantity) y;
    EXIT WHEN code IS NOT NULL;
  END LOOP;
  IF code IS NULL THEN
    v_total := v.price * p_quantity;
    payable := (v_total + 50) / 100 * 100; -- whole fen, half up; the difference is posted
    IF p_flash IS NOT NULL THEN
      SELECT * INTO f FROM _flash_terms(p_station, p_flash, p_sku, p_quantity, v.price, v.margins, v.explain, v.full_explain);
      IF f.sale_id IS NULL THEN code := 'flash_not_running';
      ELSE v.price := f.price; v_total := f.price; payable := f.payable; v.margins := f.margins; v.explain := f.explain; v.full_explain := f.full_explain;
      END IF;
    END IF;
    IF code IS NULL AND payable <> p_expected THEN code := 'price_changed'; END IF;
  END IF;
  IF code IS NULL THEN
    -- Cards come from the pool while it has them; what comes from suppliers must be there to be had. Without offers only a person is asked.
    v_source := CASE WHEN v.kind <> 'card' OR v.sourcing = 'supplier' OR v.sourcing = 'pool_first' AND _free_cards(p_sku, p_quantity) < p_quantity THEN 'supplier' ELSE 'pool' END;
    IF v_source = 'supplier' THEN
      SELECT u.available < p_quantity INTO v_gone FROM supply_level u WHERE u.sku_id = p_sku;
      v_gone := CASE WHEN FOUND THEN coalesce(v_gone, false) ELSE v.kind = 'card' END;
    ELSE
      IF v.mine + p_quantity > 5 THEN
        v_free := _free_cards(p_sku, 10000);
        v_gone := v_free < p_quantity;
        IF v.mine + p_quantity > least(p_cap_shopper, greatest(5, (v_free + v.mine) * p_cap_share / 100)) THEN code := 'hold_limit'; END IF;
      END IF;
      IF p_ip <> '' AND v.same_ip + p_quantity > p_cap_ip THEN code := 'hold_limit'; END IF;
    END IF;
  END IF;
  IF code IS NULL AND NOT v_gone THEN
    INSERT INTO orders AS o (station_id, order_no, channel, idempotency_key, request_hash, member_id, shopper_key, contact, secret_hash, ip, sku_id, kind, source,
        product_name, sku_name, quantity, unit_price, total, payable, inputs, price_explain, price_version, risk, risk_reasons, state, expires_at, deadline_at)
      VALUES (p_station, p_order_no, p_channel, p_key, p_hash, p_member, p_shopper, p_contact, p_secret_hash, p_ip, p_sku, v.kind, v_source,
        v.product_name, v.sku_name, p_quantity, v.price, v_total, payable, p_inputs, v.explain, v.version, p_risk, p_risk_reasons,
        'pending_payment', v_until, v_until)
      ON CONFLICT (station_id, idempotency_key) DO NOTHING RETURNING o.id INTO order_id;
  END IF;
  IF order_id IS NULL THEN -- refused, unless the key was used before (also a moment ago: the first has committed by now)
    SELECT CASE WHEN o.request_hash = p_hash THEN 'repeat' ELSE 'conflict' END AS code, o.id, o.order_no, o.payable, o.expires_at INTO w
      FROM orders o WHERE o.station_id = p_station AND o.idempotency_key = p_key;
    IF FOUND THEN code := w.code; order_id := w.id; order_no := w.order_no; payable := w.payable; expires_at := w.expires_at;
    ELSIF v_gone THEN RAISE EXCEPTION 'out_of_stock' USING ERRCODE = 'KM001';
    END IF;
    RETURN;
  END IF;
  IF p_flash IS NOT NULL THEN PERFORM _take_flash_unit(p_station, f.sale_id, order_id, p_shopper); END IF;
  IF v_source = 'pool' THEN
    v_free := 0;
    IF p_quantity = 1 THEN -- LIMIT with a parameter would be planned dearly
      UPDATE card x SET status = 1, station_id = p_station, order_id = _place.order_id, held_until = v_until
       WHERE x.id = (SELECT q.id FROM card q WHERE q.sku_id = p_sku AND q.status = 0 AND (q.expires_on IS NULL OR q.expires_on > current_date) ORDER BY q.id LIMIT 1 FOR UPDATE SKIP LOCKED);
      GET DIAGNOSTICS v_free = ROW_COUNT;
    END IF;
    IF v_free = 0 THEN PERFORM _take_cards(p_station, order_id, p_sku, p_quantity, 1::smallint, v_until); END IF; -- several, or none was free: says what is the matter
  END IF;
  INSERT INTO order_cost(station_id, order_id, cost, parties, margins, explain) VALUES (p_station, _place.order_id, v.cost, v.parties, v.margins, v.full_explain);
  INSERT INTO order_event(station_id, order_id, to_state, actor, reason) VALUES (p_station, _place.order_id, 'pending_payment', p_shopper, 'placed');
  code := 'ok'; order_no := p_order_no; expires_at := v_until; subject := left(v.product_name || ' ' || v.sku_name, 60);
END $f$;

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
DECLARE v record;
BEGIN
  PERFORM _enter_station(p_station);
  v := _place(p_station, p_channel, p_key, p_hash, p_member, p_shopper, p_contact, p_secret_hash, p_ip, p_order_no, p_sku, p_quantity, p_expected, p_inputs,
    p_risk, p_risk_reasons, p_hold_minutes, p_cap_shopper, p_cap_ip, p_cap_share, p_flash);
  code := v.code; order_id := v.order_id; order_no := v.order_no; payable := v.payable; expires_at := v.expires_at;
  RETURN NEXT;
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
  IF NOT EXISTS (SELECT FROM till t WHERE t.station_id = p_station) THEN PERFORM _open_till(p_station); END IF; -- the next sales need not come this way
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
