-- Buying by balance over the API: one statement from the price to the card (design §8).

-- Why buy_with_balance found nothing to sell; code is NULL when nothing speaks against it but accounts that no purchase has made yet.
-- grant: nobody
CREATE OR REPLACE FUNCTION _why_not_sold(p_station bigint, p_key bigint, p_sku text, p_quantity int, p_max_total bigint) RETURNS TABLE (code text, member_id bigint, payable bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $f$
  SELECT CASE WHEN y.id IS NULL OR y.state <> 'active' THEN 'key_unknown' WHEN m.state <> 'active' THEN 'member_locked'
           WHEN st.state NOT IN ('trial', 'active', 'restricted') OR EXISTS (SELECT FROM recovery r WHERE r.state = 'active') THEN 'station_closed' WHEN l.price IS NULL OR pc.cost IS NULL THEN 'sku_unknown'
           WHEN NOT l.active OR s.state <> 'on_sale' OR p.state <> 'on_sale' THEN 'not_on_sale'
           WHEN p_quantity < s.min_quantity OR p_quantity > s.max_quantity THEN 'quantity_invalid'
           WHEN (l.price * p_quantity + 50) / 100 * 100 > p_max_total THEN 'max_total_exceeded' END,
         y.member_id, (l.price * p_quantity + 50) / 100 * 100
    FROM (VALUES (1)) AS one LEFT JOIN station st ON st.id = p_station LEFT JOIN api_key y ON y.station_id = st.id AND y.id = p_key
    LEFT JOIN member m ON m.station_id = st.id AND m.id = y.member_id
    LEFT JOIN sku s ON s.code = p_sku LEFT JOIN product p ON p.id = s.product_id LEFT JOIN listing l ON l.station_id = st.id AND l.sku_id = s.id
    LEFT JOIN price_chain pc ON pc.station_id = st.id AND pc.sku_id = s.id
$f$;

-- Buy p_quantity of a SKU for the member behind the key. The statement is the whole transaction: who wins a card, whether the
-- money suffices and whether the number was used before are decided here together. Refusals leave nothing behind and burn no number.
-- codes: ok, repeat (same number and content: what came of it the first time), conflict, key_unknown, member_locked, station_closed, sku_unknown,
-- not_on_sale, quantity_invalid, max_total_exceeded (payable = what it costs now); raises KM001 (out of stock), KM003 (balance), KM005 (cards are locked: ask again).
-- state: delivered (cards from the pool, which are in the answer), paid (a supplier or a person is asked next), held (risk review).
-- p_flash: the number of a flash sale, for one piece; then also code flash_not_running, KM011 (no unit left), KM012 (this buyer has one), or 23505 of flash_unit_once.
-- Two questions find who pays and what is sold, without a word about what speaks against it; that gets asked only when they found nothing.
-- Prices come in one question, as they must be of one moment. Few columns each, and variables in the place of a record, since PostgreSQL sets up
-- every expression anew for each purchase: that, not reading rows, is most of what a purchase costs (docs/performance.md).
-- grant: app
CREATE OR REPLACE FUNCTION buy_with_balance(p_station bigint, p_key bigint, p_number text, p_hash bytea, p_sku text, p_quantity int, p_max_total bigint, p_inputs jsonb,
  p_ip text, p_order_no text, p_attempt_no text, p_secret_hash bytea, p_risk text, p_risk_reasons jsonb, p_risk_facts jsonb, p_notify_url text, p_flash text DEFAULT NULL)
RETURNS TABLE (code text, order_id bigint, order_no text, state text, payable bigint, sku_id bigint, product_name text, sku_name text, kind text, unit_price bigint, at timestamptz, ciphers bytea[], digests bytea[], key_ids bigint[])
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET plan_cache_mode = force_generic_plan AS $f$
#variable_conflict use_column
DECLARE w record; f record; v_number text; v_attempt bigint; v_source text := 'pool'; v_status smallint := 2; v_done boolean; v_delivered timestamptz; v_deadline timestamptz;
        v_member bigint; v_actor text; v_login text; v_shopper text; v_wallet bigint; v_clearing bigint; v_goods bigint; v_revenue bigint; v_earned bigint;
        v_sku bigint; v_sourcing text; v_price bigint; v_version int; v_explain jsonb; v_total bigint; v_cost bigint; v_parties bigint[]; v_margins bigint[]; v_full_explain jsonb; v_usual boolean;
        v_cipher bytea; v_digest bytea; v_key_id bigint; v_reason text := 'bought and paid over the API';
BEGIN
  PERFORM _enter_station(p_station);
  at := now();
  LOOP
    -- Tables with commas: a LEFT JOIN would drag every column of every table through the plan of each purchase.
    SELECT y.member_id, 'key:' || y.key_id, m.login, a.id, t.clearing, t.goods, t.revenue, t.earned INTO v_member, v_actor, v_login, v_wallet, v_clearing, v_goods, v_revenue, v_earned
      FROM station st, api_key y, member m, account a, till t
     WHERE st.id = p_station AND st.state IN ('trial', 'active', 'restricted') AND y.station_id = p_station AND y.id = p_key AND y.state = 'active'
       AND m.station_id = p_station AND m.id = y.member_id AND m.state = 'active'
       AND a.station_id = p_station AND a.kind = 'wallet' AND a.ref = y.member_id::text AND a.currency = 'CNY' AND t.station_id = p_station
       AND NOT EXISTS (SELECT FROM recovery r WHERE r.state = 'active');
    IF FOUND THEN
      SELECT s.id, s.name, s.sourcing, p.name, p.kind, l.price, l.version, l.explain, l.price * p_quantity, (l.price * p_quantity + 50) / 100 * 100, -- whole fen, half up; the difference is posted
             pc.cost, pc.parties, pc.margins, pc.explain, pc.parties[3] IS NULL AND 0 <= ALL (pc.margins)
        INTO v_sku, sku_name, v_sourcing, product_name, kind, v_price, v_version, v_explain, v_total, payable, v_cost, v_parties, v_margins, v_full_explain, v_usual
        FROM sku s, product p, listing l, price_chain pc
       WHERE s.code = p_sku AND s.state = 'on_sale' AND p.id = s.product_id AND p.state = 'on_sale' AND l.station_id = p_station AND l.sku_id = s.id AND l.active
         AND pc.station_id = p_station AND pc.sku_id = s.id AND p_quantity BETWEEN s.min_quantity AND s.max_quantity;
      EXIT WHEN FOUND AND (p_max_total IS NULL OR payable <= p_max_total OR p_flash IS NOT NULL); -- in a flash sale its own price must not be above it
    END IF;
    SELECT * INTO w FROM _why_not_sold(p_station, p_key, p_sku, p_quantity, CASE WHEN p_flash IS NULL THEN p_max_total END);
    code := w.code; payable := w.payable; v_member := w.member_id; sku_name := NULL; product_name := NULL; kind := NULL;
    IF code IN ('key_unknown', 'member_locked') THEN at := NULL; RETURN NEXT; RETURN; END IF;
    EXIT WHEN code IS NOT NULL;
    PERFORM _account(p_station, 'wallet', v_member::text), _open_till(p_station);
  END LOOP;
  v_number := concat('api:', v_member, ':', p_number);
  IF code IS NULL AND p_flash IS NOT NULL THEN
    SELECT * INTO f FROM _flash_terms(p_station, p_flash, v_sku, p_quantity, v_price, v_margins, v_explain, v_full_explain);
    IF f.sale_id IS NULL THEN code := 'flash_not_running'; payable := NULL;
    ELSIF f.payable > p_max_total THEN code := 'max_total_exceeded'; payable := f.payable;
    ELSE v_price := f.price; v_total := f.price; payable := f.payable; v_margins := f.margins; v_explain := f.explain; v_full_explain := f.full_explain;
    END IF;
  END IF;
  IF code IS NULL THEN
    -- Cards come from the pool while it has them, as for shoppers; a held order keeps its cards until a person has decided.
    IF kind <> 'card' OR v_sourcing = 'supplier' THEN v_source := 'supplier';
    ELSIF v_sourcing = 'pool_first' THEN v_source := CASE WHEN _free_cards(v_sku, p_quantity) < p_quantity THEN 'supplier' ELSE 'pool' END;
    END IF;
    IF p_risk <> 'allow' THEN state := 'held'; v_status := 1; v_deadline := at + interval '60 minutes'; v_reason := v_reason || ': risk review';
    ELSIF v_source = 'pool' THEN state := 'delivered'; v_delivered := at; v_reason := 'bought and paid over the API, cards in the answer';
    ELSE state := 'paid'; v_deadline := at + interval '2 minutes';
    END IF;
    sku_id := v_sku; unit_price := v_price; v_shopper := concat('m:', p_station, ':', v_member);
    INSERT INTO orders AS o (station_id, order_no, channel, idempotency_key, request_hash, member_id, shopper_key, contact, secret_hash, ip, sku_id, kind, source,
        product_name, sku_name, quantity, unit_price, total, payable, inputs, price_explain, price_version, risk, risk_reasons, state, paid_method, expires_at, paid_at, delivered_at, deadline_at)
      VALUES (p_station, p_order_no, 'api', v_number, p_hash, v_member, v_shopper, v_login, p_secret_hash, p_ip, v_sku, kind, v_source,
        product_name, sku_name, p_quantity, v_price, v_total, payable, p_inputs, v_explain, v_version, p_risk, p_risk_reasons, state,
        'balance', at, at, v_delivered, v_deadline)
      ON CONFLICT (station_id, idempotency_key) DO NOTHING RETURNING o.id, o.order_no INTO order_id, order_no;
  END IF;
  IF order_id IS NULL THEN -- refused, unless the number was used before: then by the content of that time
    unit_price := NULL; product_name := NULL; sku_name := NULL; kind := NULL; at := NULL;
    SELECT CASE WHEN o.request_hash = p_hash THEN 'repeat' ELSE 'conflict' END AS code, o.id, o.order_no, o.state, o.payable, o.sku_id INTO w
      FROM orders o WHERE o.station_id = p_station AND o.idempotency_key = v_number;
    IF FOUND THEN code := w.code; order_id := w.id; order_no := w.order_no; state := w.state; payable := w.payable; sku_id := w.sku_id; END IF;
    RETURN NEXT; RETURN;
  END IF;
  IF p_flash IS NOT NULL THEN PERFORM _take_flash_unit(p_station, f.sale_id, order_id, v_shopper); END IF;
  code := 'ok';
  IF v_source = 'pool' THEN
    IF p_quantity = 1 THEN -- LIMIT with a parameter would be planned dearly
      UPDATE card x SET status = v_status, station_id = p_station, order_id = buy_with_balance.order_id, sold_at = v_delivered
       WHERE x.id = (SELECT q.id FROM card q WHERE q.sku_id = v_sku AND q.status = 0 AND (q.expires_on IS NULL OR q.expires_on > current_date) ORDER BY q.id LIMIT 1 FOR UPDATE SKIP LOCKED)
       RETURNING x.cipher, x.digest, x.key_id INTO v_cipher, v_digest, v_key_id;
    END IF;
    IF v_cipher IS NULL THEN -- several, or none was free: takes them, or says what is the matter
      PERFORM _take_cards(p_station, order_id, v_sku, p_quantity, v_status, NULL);
      SELECT array_agg(x.cipher ORDER BY x.id), array_agg(x.digest ORDER BY x.id), array_agg(x.key_id ORDER BY x.id) INTO ciphers, digests, key_ids
        FROM card x WHERE x.station_id = p_station AND x.order_id = buy_with_balance.order_id;
    ELSE
      ciphers := ARRAY[v_cipher]; digests := ARRAY[v_digest]; key_ids := ARRAY[v_key_id];
    END IF;
    IF state = 'held' THEN ciphers := NULL; digests := NULL; key_ids := NULL; END IF;
  ELSIF kind = 'card' AND NOT EXISTS (SELECT FROM supply_level u WHERE u.sku_id = v_sku AND (u.available IS NULL OR u.available >= p_quantity)) THEN
    RAISE EXCEPTION 'out_of_stock' USING ERRCODE = 'KM001';
  END IF;
  INSERT INTO order_cost(station_id, order_id, cost, parties, margins, explain) VALUES (p_station, order_id, v_cost, v_parties, v_margins, v_full_explain);
  INSERT INTO payment_attempt AS t (station_id, attempt_no, purpose, order_id, member_id, plugin_id, method, amount, state, sent_at, paid_at, closed_at, expires_at)
    VALUES (p_station, p_attempt_no, 'order', order_id, v_member, 'payment-balance', 'balance', payable, 'succeeded',
      at, at, at, at) RETURNING t.id INTO v_attempt;
  INSERT INTO order_event(station_id, order_id, to_state, actor, reason) VALUES (p_station, order_id, state, v_actor, v_reason);
  INSERT INTO outbox(station_id, topic, payload) VALUES (p_station, 'order.' || state, jsonb_build_object('order_id', order_id, 'order_no', p_order_no));
  IF p_notify_url <> '' THEN INSERT INTO order_notify(station_id, order_id, api_key_id, url) VALUES (p_station, order_id, p_key, p_notify_url); END IF;
  INSERT INTO risk_decision(station_id, order_id, stage, decision, reasons, facts) VALUES (p_station, order_id, 'order', p_risk, p_risk_reasons, p_risk_facts);
  -- Money last: the wallet's row is what parallel requests of one member wait for.
  IF state <> 'delivered' THEN
    PERFORM _post('attempt:' || p_station || ':' || v_attempt || ':collect:', p_station, order_id, v_attempt, NULL,
      ARRAY[v_wallet], ARRAY[v_clearing], ARRAY[payable], ARRAY['wallet.pay']);
  ELSIF v_usual THEN
    IF p_station <> 1 THEN v_done := _open_settlements(p_station, order_id, p_quantity, false, v_parties, v_margins); END IF; -- an assignment needs no executor, PERFORM does
    v_done := _post_wallet_sale(p_station, order_id, v_attempt, v_wallet, v_clearing, v_goods, v_revenue, v_earned, payable, v_cost * p_quantity,
      v_margins[1] * p_quantity, coalesce(v_margins[2] * p_quantity, 0));
  ELSE -- more levels than two, or somebody sells below cost: legs run the other way
    PERFORM _post_sale(p_station, order_id, v_attempt, v_wallet);
  END IF;
  RETURN NEXT;
END $f$;
