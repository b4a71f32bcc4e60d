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
-- One question finds the price, the accounts and whether anything speaks against it; what that is gets asked only when it found nothing.
-- grant: app
CREATE OR REPLACE FUNCTION buy_with_balance(p_station bigint, p_key bigint, p_number text, p_hash bytea, p_sku text, p_quantity int, p_max_total bigint, p_inputs jsonb,
  p_ip text, p_order_no text, p_attempt_no text, p_secret_hash bytea, p_risk text, p_risk_reasons jsonb, p_risk_facts jsonb, p_notify_url text, p_flash text DEFAULT NULL)
RETURNS TABLE (code text, order_id bigint, order_no text, state text, payable bigint, sku_id bigint, product_name text, sku_name text, kind text, unit_price bigint, at timestamptz, ciphers bytea[], digests bytea[], key_ids bigint[])
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET plan_cache_mode = force_generic_plan AS $f$
#variable_conflict use_column
DECLARE v record; w record; f record; v_cap bigint; v_number text; v_attempt bigint; v_source text; v_status smallint; v_done boolean;
BEGIN
  PERFORM _enter_station(p_station);
  IF p_flash IS NOT NULL THEN v_cap := p_max_total; p_max_total := NULL; END IF; -- it is the sale's price that must not be above it
  LOOP
    -- Tables with commas: a LEFT JOIN would drag every column of every table through the plan of each purchase.
    SELECT 'api:' || y.member_id || ':' || p_number AS number, y.member_id, y.key_id, m.login, l.price, l.version, l.explain, l.price * p_quantity AS total,
           (l.price * p_quantity + 50) / 100 * 100 AS payable, -- whole fen, half up; the difference is posted
           s.id, s.name AS sku_name, s.sourcing, p.name AS product_name, p.kind, pc.cost, pc.parties, pc.margins, pc.explain AS full_explain,
           pc.parties = CASE WHEN p_station = 1 THEN ARRAY[p_station] ELSE ARRAY[1, p_station] END AND 0 <= ALL (pc.margins) AS usual, a.id AS wallet, t.clearing, t.goods, t.revenue, t.earned
      INTO v FROM station st, api_key y, member m, sku s, product p, listing l, price_chain pc, account a, till t
     WHERE st.id = p_station AND st.state IN ('trial', 'active', 'restricted') AND y.station_id = p_station AND y.id = p_key AND y.state = 'active'
       AND m.station_id = p_station AND m.id = y.member_id AND m.state = 'active' AND s.code = p_sku AND s.state = 'on_sale' AND p.id = s.product_id AND p.state = 'on_sale'
       AND l.station_id = p_station AND l.sku_id = s.id AND l.active AND pc.station_id = p_station AND pc.sku_id = s.id AND p_quantity BETWEEN s.min_quantity AND s.max_quantity
       AND (p_max_total IS NULL OR (l.price * p_quantity + 50) / 100 * 100 <= p_max_total)
       AND a.station_id = p_station AND a.kind = 'wallet' AND a.ref = y.member_id::text AND a.currency = 'CNY' AND t.station_id = p_station
       AND NOT EXISTS (SELECT FROM recovery r WHERE r.state = 'active');
    EXIT WHEN FOUND;
    SELECT * INTO w FROM _why_not_sold(p_station, p_key, p_sku, p_quantity, p_max_total);
    code := w.code; payable := w.payable; v_number := 'api:' || w.member_id || ':' || p_number;
    IF code IN ('key_unknown', 'member_locked') THEN RETURN NEXT; RETURN; END IF;
    EXIT WHEN code IS NOT NULL;
    PERFORM _account(p_station, 'wallet', w.member_id::text), _open_till(p_station);
  END LOOP;
  IF code IS NULL AND p_flash IS NOT NULL THEN
    v_number := v.number;
    SELECT * INTO f FROM _flash_terms(p_station, p_flash, v.id, p_quantity, v.price, v.margins, v.explain, v.full_explain);
    IF f.sale_id IS NULL THEN code := 'flash_not_running';
    ELSIF f.payable > v_cap THEN code := 'max_total_exceeded'; payable := f.payable;
    ELSE v.price := f.price; v.total := f.price; v.payable := f.payable; v.margins := f.margins; v.explain := f.explain; v.full_explain := f.full_explain;
    END IF;
  END IF;
  IF code IS NULL THEN
    v_number := v.number; sku_id := v.id; payable := v.payable;
    -- Cards come from the pool while it has them, as for shoppers; a held order keeps its cards until a person has decided.
    v_source := CASE WHEN v.kind <> 'card' OR v.sourcing = 'supplier' OR v.sourcing = 'pool_first' AND _free_cards(v.id, p_quantity) < p_quantity THEN 'supplier' ELSE 'pool' END;
    state := CASE WHEN p_risk <> 'allow' THEN 'held' WHEN v_source = 'pool' THEN 'delivered' ELSE 'paid' END;
    INSERT INTO orders AS o (station_id, order_no, channel, idempotency_key, request_hash, member_id, shopper_key, contact, secret_hash, ip, sku_id, kind, source,
        product_name, sku_name, quantity, unit_price, total, payable, inputs, price_explain, price_version, risk, risk_reasons, state, paid_method, expires_at, paid_at, delivered_at, deadline_at)
      VALUES (p_station, p_order_no, 'api', v_number, p_hash, v.member_id, 'm:' || p_station || ':' || v.member_id, v.login, p_secret_hash, p_ip, v.id, v.kind, v_source,
        v.product_name, v.sku_name, p_quantity, v.price, v.total, v.payable, p_inputs, v.explain, v.version, p_risk, p_risk_reasons, state, 'balance', now(), now(),
        CASE WHEN state = 'delivered' THEN now() END, CASE state WHEN 'held' THEN now() + interval '60 minutes' WHEN 'paid' THEN now() + interval '2 minutes' END)
      ON CONFLICT (station_id, idempotency_key) DO NOTHING RETURNING o.id, o.order_no INTO order_id, order_no;
  END IF;
  IF order_id IS NULL THEN -- refused, unless the number was used before: then by the content of that time
    SELECT CASE WHEN o.request_hash = p_hash THEN 'repeat' ELSE 'conflict' END AS code, o.id, o.order_no, o.state, o.payable, o.sku_id INTO w
      FROM orders o WHERE o.station_id = p_station AND o.idempotency_key = v_number;
    IF FOUND THEN code := w.code; order_id := w.id; order_no := w.order_no; state := w.state; payable := w.payable; sku_id := w.sku_id; END IF;
    RETURN NEXT; RETURN;
  END IF;
  IF p_flash IS NOT NULL THEN PERFORM _take_flash_unit(p_station, f.sale_id, order_id, 'm:' || p_station || ':' || v.member_id); END IF;
  code := 'ok'; product_name := v.product_name; sku_name := v.sku_name; kind := v.kind; unit_price := v.price; at := now();
  IF v_source = 'pool' THEN
    v_status := CASE WHEN state = 'held' THEN 1 ELSE 2 END;
    IF p_quantity = 1 THEN -- LIMIT with a parameter would be planned dearly
      UPDATE card x SET status = v_status, station_id = p_station, order_id = buy_with_balance.order_id, sold_at = CASE v_status WHEN 2 THEN now() END
       WHERE x.id = (SELECT q.id FROM card q WHERE q.sku_id = v.id AND q.status = 0 AND (q.expires_on IS NULL OR q.expires_on > current_date) ORDER BY q.id LIMIT 1 FOR UPDATE SKIP LOCKED)
       RETURNING ARRAY[x.cipher], ARRAY[x.digest], ARRAY[x.key_id] INTO ciphers, digests, key_ids;
    END IF;
    IF ciphers IS NULL THEN -- several, or none was free: takes them, or says what is the matter
      PERFORM _take_cards(p_station, order_id, v.id, p_quantity, v_status, NULL);
      SELECT array_agg(x.cipher ORDER BY x.id), array_agg(x.digest ORDER BY x.id), array_agg(x.key_id ORDER BY x.id) INTO ciphers, digests, key_ids
        FROM card x WHERE x.station_id = p_station AND x.order_id = buy_with_balance.order_id;
    END IF;
    IF state = 'held' THEN ciphers := NULL; digests := NULL; key_ids := NULL; END IF;
  ELSIF v.kind = 'card' AND NOT EXISTS (SELECT FROM supply_level u WHERE u.sku_id = v.id AND (u.available IS NULL OR u.available >= p_quantity)) THEN
    RAISE EXCEPTION 'out_of_stock' USING ERRCODE = 'KM001';
  END IF;
  INSERT INTO order_cost(station_id, order_id, cost, parties, margins, explain) VALUES (p_station, buy_with_balance.order_id, v.cost, v.parties, v.margins, v.full_explain);
  INSERT INTO payment_attempt AS t (station_id, attempt_no, purpose, order_id, member_id, plugin_id, method, amount, state, sent_at, paid_at, closed_at, expires_at)
    VALUES (p_station, p_attempt_no, 'order', buy_with_balance.order_id, v.member_id, 'payment-balance', 'balance', payable, 'succeeded', now(), now(), now(), now()) RETURNING t.id INTO v_attempt;
  INSERT INTO order_event(station_id, order_id, to_state, actor, reason) VALUES (p_station, buy_with_balance.order_id, state, 'key:' || v.key_id,
    CASE state WHEN 'delivered' THEN 'bought and paid over the API, cards in the answer' WHEN 'held' THEN 'bought and paid over the API: risk review' ELSE 'bought and paid over the API' END);
  INSERT INTO outbox(station_id, topic, payload) VALUES (p_station, 'order.' || state, jsonb_build_object('order_id', buy_with_balance.order_id, 'order_no', p_order_no));
  IF p_notify_url <> '' THEN INSERT INTO order_notify(station_id, order_id, api_key_id, url) VALUES (p_station, buy_with_balance.order_id, p_key, p_notify_url); END IF;
  INSERT INTO risk_decision(station_id, order_id, stage, decision, reasons, facts) VALUES (p_station, buy_with_balance.order_id, 'order', p_risk, p_risk_reasons, p_risk_facts);
  -- Money last: the wallet's row is what parallel requests of one member wait for.
  IF state <> 'delivered' THEN
    PERFORM _post('attempt:' || p_station || ':' || v_attempt || ':collect:', p_station, order_id, v_attempt, NULL,
      ARRAY[v.wallet], ARRAY[v.clearing], ARRAY[payable], ARRAY['wallet.pay']);
  ELSIF v.usual THEN
    v_done := p_station = 1 OR _open_settlements(p_station, order_id, p_quantity, false, v.parties, v.margins);
    v_done := _post_wallet_sale(p_station, order_id, v_attempt, v.wallet, v.clearing, v.goods, v.revenue, v.earned, payable, v.cost * p_quantity,
      v.margins[1] * p_quantity, CASE WHEN p_station = 1 THEN 0 ELSE v.margins[2] * p_quantity END);
  ELSE -- more levels than two, or somebody sells below cost: legs run the other way
    PERFORM _post_sale(p_station, order_id, v_attempt, v.wallet);
  END IF;
  RETURN NEXT;
END $f$;
