-- Guarded functions of purchases: the only way to write them. Order of locks: the order first, then its purchase.

-- Pieces of an order that suppliers have delivered.
-- grant: nobody
CREATE OR REPLACE FUNCTION _delivered(p_station bigint, p_order bigint) RETURNS int
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $f$
  SELECT coalesce(sum(delivered), 0)::int FROM purchase WHERE station_id = p_station AND order_id = p_order AND state = 'succeeded'
$f$;

-- The intent: a row with its own random number, committed before anything is sent. Only one purchase of an order is ever open.
-- p_unit_cost: what the offer costs now; p_unit_cap: what one piece may cost at most. p_offer NULL: a person does it.
-- codes: ok, open (one is open, its id), done (nothing is missing), bad_state, number_taken (draw another one).
-- grant: main
CREATE OR REPLACE FUNCTION open_purchase(p_station bigint, p_order bigint, p_connection bigint, p_offer bigint, p_unit_cost bigint, p_unit_cap bigint,
  p_number text, p_inputs jsonb, p_routing jsonb, p_most int, p_actor text)
RETURNS TABLE (code text, purchase_id bigint, missing int)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $f$
DECLARE o record; c record; v_id bigint; v_quantity int;
BEGIN
  SELECT x.state, x.source, x.quantity, x.sku_id, x.inputs, x.product_name, x.sku_name, (x.collected_by = 1 OR x.funded OR x.state <> 'paid') AS funded INTO o
    FROM orders x WHERE x.station_id = p_station AND x.id = p_order FOR NO KEY UPDATE;
  IF NOT FOUND OR o.source <> 'supplier' OR NOT o.funded OR o.state NOT IN ('paid', 'fulfilling', 'partially_delivered') OR _recovering() OR order_waits(p_station, p_order) THEN
    RETURN QUERY SELECT 'bad_state', NULL::bigint, 0; RETURN;
  END IF;
  missing := o.quantity - _delivered(p_station, p_order);
  SELECT p.id INTO v_id FROM purchase p WHERE p.station_id = p_station AND p.order_id = p_order AND p.state IN ('created', 'sent', 'unknown');
  IF v_id IS NOT NULL THEN RETURN QUERY SELECT 'open', v_id, missing; RETURN; END IF;
  IF missing <= 0 THEN RETURN QUERY SELECT 'done', NULL::bigint, 0; RETURN; END IF;
  SELECT x.supplier_id, x.plugin_id, x.account, f.sku_ref, f.name INTO STRICT c FROM supply_connection x
    LEFT JOIN supply_offer f ON f.id = p_offer AND f.connection_id = x.id WHERE x.id = p_connection;
  v_quantity := least(missing, coalesce(p_most, missing));
  INSERT INTO purchase(station_id, purchase_no, order_id, plugin_id, attempt, connection_id, supplier_id, offer_id, account, sku_id, sku_ref, title,
      quantity, inputs, expected_cost, max_cost, routing, waits_for)
    VALUES (p_station, p_number, p_order, c.plugin_id, 1 + (SELECT count(*) FROM purchase p WHERE p.station_id = p_station AND p.order_id = p_order),
      p_connection, c.supplier_id, p_offer, c.account, o.sku_id, coalesce(c.sku_ref, ''), coalesce(c.name, o.product_name || ' ' || o.sku_name),
      v_quantity, coalesce(p_inputs, o.inputs), p_unit_cost * v_quantity, p_unit_cap * v_quantity, p_routing, 'sending')
    ON CONFLICT ON CONSTRAINT purchase_number DO NOTHING RETURNING id INTO v_id;
  IF v_id IS NULL THEN RETURN QUERY SELECT 'number_taken', NULL::bigint, missing; RETURN; END IF;
  IF o.state = 'paid' THEN PERFORM _move_order(p_station, p_order, 'paid', 'fulfilling', p_actor, 'purchase opened', interval '24 hours'); END IF;
  RETURN QUERY SELECT 'ok', v_id, missing;
END $f$;

-- Whoever takes the row sends: from here on the outcome is unknown until an answer says otherwise. No row: somebody else has it,
-- or the order no longer wants it. Sent again, it is asked about as often as at first: what was asked before is counted no longer.
-- grant: main
CREATE OR REPLACE FUNCTION take_purchase(p_station bigint, p_id bigint)
RETURNS TABLE (purchase_no text, sku_ref text, quantity int, inputs jsonb, max_cost bigint, sends int)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $f$
DECLARE v_order bigint;
BEGIN
  IF _recovering() THEN RETURN; END IF;
  SELECT p.order_id INTO v_order FROM purchase p WHERE p.station_id = p_station AND p.id = p_id;
  PERFORM 1 FROM orders o WHERE o.station_id = p_station AND o.id = v_order AND o.state IN ('fulfilling', 'partially_delivered') FOR NO KEY UPDATE;
  IF NOT FOUND THEN RETURN; END IF;
  RETURN QUERY UPDATE purchase p SET state = 'sent', sent_at = now(), sends = p.sends + 1, queries = 0, waits_for = 'answer', code = '',
      next_query_at = now() + interval '60 seconds'
    WHERE p.station_id = p_station AND p.id = p_id AND p.state = 'created'
    RETURNING p.purchase_no, p.sku_ref, p.quantity, p.inputs, p.max_cost, p.sends;
END $f$;

-- What is known now about a purchase that is still open. p_state: created (nothing was sent), sent, unknown. Nothing moves but the purchase.
-- p_in_s NULL: no machine asks again. p_asked: it was a question. codes: ok, repeat (it is closed).
-- grant: main
CREATE OR REPLACE FUNCTION note_purchase(p_station bigint, p_id bigint, p_state text, p_code text, p_message text, p_ref text, p_waits_for text, p_in_s int, p_asked boolean)
RETURNS TABLE (code text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $f$
BEGIN
  UPDATE purchase p SET state = p_state, code = p_code, message = p_message, supplier_ref = CASE WHEN p_ref = '' THEN p.supplier_ref ELSE p_ref END, waits_for = p_waits_for,
         queries = p.queries + CASE WHEN p_asked THEN 1 ELSE 0 END, next_query_at = now() + make_interval(secs => p_in_s)
   WHERE p.station_id = p_station AND p.id = p_id AND p.state IN ('created', 'sent', 'unknown') AND p_state IN ('created', 'sent', 'unknown');
  RETURN QUERY SELECT CASE WHEN FOUND THEN 'ok' ELSE 'repeat' END;
END $f$;

-- The purchase has come to nothing, for certain. The order stays: the next supplier or the end of it comes by a job.
-- codes: ok, repeat (declined already), delivered (it has succeeded).
-- grant: main
CREATE OR REPLACE FUNCTION decline_purchase(p_station bigint, p_id bigint, p_code text, p_message text, p_ref text, p_actor text) RETURNS TABLE (code text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $f$
DECLARE p record; v_state text;
BEGIN
  SELECT x.order_id INTO p FROM purchase x WHERE x.station_id = p_station AND x.id = p_id;
  SELECT o.state INTO v_state FROM orders o WHERE o.station_id = p_station AND o.id = p.order_id FOR NO KEY UPDATE;
  SELECT x.* INTO STRICT p FROM purchase x WHERE x.station_id = p_station AND x.id = p_id FOR NO KEY UPDATE;
  IF p.state = 'declined' THEN RETURN QUERY SELECT 'repeat'; RETURN; END IF;
  IF p.state = 'succeeded' THEN RETURN QUERY SELECT 'delivered'; RETURN; END IF;
  UPDATE purchase x SET state = 'declined', code = p_code, message = p_message, supplier_ref = CASE WHEN p_ref = '' THEN x.supplier_ref ELSE p_ref END,
         waits_for = '', next_query_at = NULL, done_at = now(), done_by = p_actor WHERE x.station_id = p_station AND x.id = p_id;
  INSERT INTO order_event(station_id, order_id, from_state, to_state, actor, reason, detail) VALUES (p_station, p.order_id, v_state, v_state, p_actor, 'purchase declined',
    jsonb_build_object('purchase_no', p.purchase_no, 'code', p_code, 'message', p_message));
  PERFORM _publish('purchase.declined', p_station, jsonb_build_object('order_id', p.order_id, 'purchase_id', p_id));
  RETURN QUERY SELECT 'ok';
END $f$;

-- Goods have come: cards go into the vault as sold to this order, the cost is posted, and the order moves on. p_pieces: how many pieces came.
-- p_ciphers, p_digests: sealed cards as hex between commas; '' for what is no card. p_expires: their last days, NULL = none known.
-- codes: ok, part (pieces are still missing), repeat, refunded (known already, and more of the money came back), late (it had been declined: goods
-- were not given out), duplicate_card (a card that we have had before: nothing has happened), stray (the order no longer waits: cards went into the pool).
-- grant: main
CREATE OR REPLACE FUNCTION receive_purchase(p_station bigint, p_id bigint, p_pieces int, p_cost bigint, p_refunded bigint, p_ref text, p_message text, p_text text,
  p_ciphers text, p_digests text, p_key bigint, p_expires date[], p_actor text)
RETURNS TABLE (code text, order_id bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $f$
DECLARE p record; o record; v_pieces int; v_stray boolean;
BEGIN
  SELECT x.order_id INTO p FROM purchase x WHERE x.station_id = p_station AND x.id = p_id;
  SELECT x.id, x.state, x.quantity, x.kind, x.order_no, x.delivery_text INTO STRICT o FROM orders x WHERE x.station_id = p_station AND x.id = p.order_id FOR NO KEY UPDATE;
  SELECT x.* INTO STRICT p FROM purchase x WHERE x.station_id = p_station AND x.id = p_id FOR NO KEY UPDATE;
  IF p.state = 'succeeded' THEN
    RETURN QUERY SELECT CASE WHEN _take_back_cost(p_station, p_id, p_refunded) THEN 'refunded' ELSE 'repeat' END, o.id; RETURN;
  END IF;
  IF p.state = 'declined' THEN
    UPDATE purchase x SET late_success = true WHERE x.station_id = p_station AND x.id = p_id;
    RETURN QUERY SELECT 'late', o.id; RETURN;
  END IF;
  v_pieces := least(p_pieces, p.quantity);
  v_stray := o.state NOT IN ('fulfilling', 'partially_delivered');
  IF p_ciphers <> '' THEN
    BEGIN
      PERFORM _keep_bought(p_station, o.id, p_id, p.sku_id, p.purchase_no, p_ciphers, p_digests, p_key, p_expires, v_stray);
    EXCEPTION WHEN unique_violation THEN RETURN QUERY SELECT 'duplicate_card', o.id; RETURN;
    END;
  END IF;
  UPDATE purchase x SET state = 'succeeded', code = '', message = p_message, supplier_ref = CASE WHEN p_ref = '' THEN x.supplier_ref ELSE p_ref END, delivered = v_pieces,
         cost = coalesce(p_cost, x.expected_cost * v_pieces / x.quantity), waits_for = '', next_query_at = NULL, done_at = now(), done_by = p_actor
   WHERE x.station_id = p_station AND x.id = p_id RETURNING x.cost INTO p.cost;
  IF NOT (SELECT s.internal FROM supplier s WHERE s.id = p.supplier_id) THEN
    PERFORM _post_purchase('purchase:' || p_station || ':' || p_id || ':cost', p_station, o.id, p_id, p.supplier_id, p.cost, 'purchase.cost');
  END IF;
  PERFORM _take_back_cost(p_station, p_id, p_refunded);
  IF v_stray THEN RETURN QUERY SELECT 'stray', o.id; RETURN; END IF;
  UPDATE orders x SET delivery_text = concat_ws(E'\n', nullif(x.delivery_text, ''), nullif(p_text, '')) WHERE x.station_id = p_station AND x.id = o.id;
  IF _delivered(p_station, o.id) >= o.quantity THEN
    PERFORM _move_order(p_station, o.id, o.state, 'delivered', p_actor, 'purchase delivered');
    PERFORM _publish('order.delivered', p_station, jsonb_build_object('order_id', o.id, 'order_no', o.order_no));
    PERFORM _post_sale(p_station, o.id, NULL, NULL);
    RETURN QUERY SELECT 'ok', o.id; RETURN;
  END IF;
  IF o.state = 'fulfilling' AND v_pieces > 0 THEN
    PERFORM _move_order(p_station, o.id, 'fulfilling', 'partially_delivered', p_actor, 'part delivered', interval '24 hours');
  END IF;
  PERFORM _publish('purchase.part', p_station, jsonb_build_object('order_id', o.id, 'purchase_id', p_id));
  RETURN QUERY SELECT 'part', o.id;
END $f$;

-- Cards that a purchase brought, as a batch of their own: sold to the order, or into the pool when the order no longer wants them.
-- A card that the vault has already breaks the unique key, and with it the whole.
-- grant: nobody
CREATE OR REPLACE FUNCTION _keep_bought(p_station bigint, p_order bigint, p_purchase bigint, p_sku bigint, p_number text, p_ciphers text, p_digests text, p_key bigint,
  p_expires date[], p_stray boolean) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $f$
DECLARE v_batch bigint; v_ciphers text[] := string_to_array(p_ciphers, ',');
BEGIN
  PERFORM pg_advisory_xact_lock(hashtextextended('kameng.cards', p_sku)); -- imports take the same one: no deadlock between the two
  INSERT INTO card_batch(sku_id, name, source, state, total, imported, created_by, finished_at)
    VALUES (p_sku, p_number, 'purchase', 'done', cardinality(v_ciphers), cardinality(v_ciphers), 'system', now()) RETURNING id INTO v_batch;
  INSERT INTO card(sku_id, batch_id, status, cipher, digest, key_id, expires_on, station_id, order_id, sold_at, purchase_id)
    SELECT p_sku, v_batch, CASE WHEN p_stray THEN 0 ELSE 2 END, decode(q.cipher, 'hex'), decode(q.digest, 'hex'), p_key, p_expires[q.n],
           CASE WHEN p_stray THEN NULL ELSE p_station END, CASE WHEN p_stray THEN NULL ELSE p_order END, CASE WHEN p_stray THEN NULL ELSE now() END, p_purchase
      FROM unnest(v_ciphers, string_to_array(p_digests, ',')) WITH ORDINALITY AS q(cipher, digest, n) ORDER BY q.n;
END $f$;

-- What a purchase costs is owed to the supplier; what comes back is owed no longer (a negative amount).
-- grant: nobody
CREATE OR REPLACE FUNCTION _post_purchase(p_txn text, p_station bigint, p_order bigint, p_purchase bigint, p_supplier bigint, p_amount bigint, p_kind text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $f$
BEGIN
  PERFORM _post(p_txn, p_station, p_order, NULL, NULL, ARRAY[_account(1, 'goods_cost')], ARRAY[_account(1, 'supplier', p_supplier::text)], ARRAY[p_amount], ARRAY[p_kind], p_purchase);
END $f$;

-- The supplier has given back p_refunded of the cost by now, in all. True when that is more than was known.
-- grant: nobody
CREATE OR REPLACE FUNCTION _take_back_cost(p_station bigint, p_id bigint, p_refunded bigint) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $f$
DECLARE p record; v_all bigint;
BEGIN
  SELECT x.* INTO STRICT p FROM purchase x WHERE x.station_id = p_station AND x.id = p_id FOR NO KEY UPDATE;
  v_all := least(coalesce(p_refunded, 0), p.cost);
  IF v_all <= p.refunded THEN RETURN false; END IF;
  UPDATE purchase x SET refunded = v_all WHERE x.station_id = p_station AND x.id = p_id;
  IF NOT (SELECT s.internal FROM supplier s WHERE s.id = p.supplier_id) THEN
    PERFORM _post_purchase('purchase:' || p_station || ':' || p_id || ':back:' || v_all, p_station, p.order_id, p_id, p.supplier_id, p.refunded - v_all, 'purchase.refund');
  END IF;
  INSERT INTO order_event(station_id, order_id, from_state, to_state, actor, reason, detail)
    SELECT p_station, o.id, o.state, o.state, 'system', 'supplier refund', jsonb_build_object('purchase_no', p.purchase_no, 'amount', v_all - p.refunded)
      FROM orders o WHERE o.station_id = p_station AND o.id = p.order_id;
  RETURN true;
END $f$;

-- Nobody can deliver the rest of an order: what has come stays with the shopper, the missing pieces are paid back. Without any piece it is fail_order's.
-- codes: ok, open (a purchase is open), nothing (no piece has come), bad_state.
-- grant: main
CREATE OR REPLACE FUNCTION end_short(p_station bigint, p_order bigint, p_reason text, p_actor text) RETURNS TABLE (code text, paid_back bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $f$
DECLARE o record; v_attempt record; v_short int; v_back bigint; v_refund bigint;
BEGIN
  SELECT x.* INTO o FROM orders x WHERE x.station_id = p_station AND x.id = p_order FOR NO KEY UPDATE;
  IF NOT FOUND OR o.state <> 'partially_delivered' THEN RETURN QUERY SELECT 'bad_state', 0::bigint; RETURN; END IF;
  IF EXISTS (SELECT 1 FROM purchase p WHERE p.station_id = p_station AND p.order_id = p_order AND p.state IN ('created', 'sent', 'unknown')) THEN
    RETURN QUERY SELECT 'open', 0::bigint; RETURN;
  END IF;
  v_short := o.quantity - _delivered(p_station, p_order);
  IF v_short >= o.quantity THEN RETURN QUERY SELECT 'nothing', 0::bigint; RETURN; END IF;
  v_back := least(o.payable, (o.payable * v_short / o.quantity + 99) / 100 * 100); -- whole fen, in the shopper's favour
  PERFORM _move_order(p_station, p_order, 'partially_delivered', 'delivered', p_actor, p_reason);
  PERFORM _publish('order.delivered', p_station, jsonb_build_object('order_id', p_order, 'order_no', o.order_no));
  PERFORM _post_sale(p_station, p_order, NULL, NULL);
  SELECT t.id, t.provider_ref INTO STRICT v_attempt FROM payment_attempt t WHERE t.station_id = p_station AND t.order_id = p_order AND t.state = 'succeeded'
     AND NOT EXISTS (SELECT 1 FROM refund r WHERE r.station_id = p_station AND r.attempt_id = t.id AND r.reason = 'paid_twice' AND r.provider_ref = t.provider_ref);
  UPDATE orders x SET short = v_short, refunded = v_back WHERE x.station_id = p_station AND x.id = p_order;
  v_refund := _refund_attempt(p_station, v_attempt.id, v_attempt.provider_ref, v_back, 'failed', 'short', p_actor, p_reason);
  PERFORM _post_return(p_station, p_order, v_attempt.id, v_refund, 0, v_back);
  RETURN QUERY SELECT 'ok', v_back;
END $f$;

-- Something that happened at suppliers, in the order's story: it changes no state, and stations do not see it.
-- grant: main
CREATE OR REPLACE FUNCTION note_order(p_station bigint, p_order bigint, p_actor text, p_reason text, p_detail jsonb) RETURNS TABLE (code text)
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $f$
  INSERT INTO order_event(station_id, order_id, from_state, to_state, actor, reason, detail)
    SELECT p_station, o.id, o.state, o.state, p_actor, p_reason, p_detail FROM orders o WHERE o.station_id = p_station AND o.id = p_order RETURNING 'ok'
$f$;

-- Money that was paid to a supplier, after a second person has agreed. p_amount below zero came back. codes: ok, repeat, refused, not_found.
-- grant: nobody
CREATE OR REPLACE FUNCTION book_supplier_payment(p_supplier bigint, p_id bigint, p_agreed boolean) RETURNS TABLE (code text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $f$
DECLARE v record;
BEGIN
  SELECT * INTO v FROM supplier_payment x WHERE x.supplier_id = p_supplier AND x.id = p_id FOR NO KEY UPDATE;
  IF NOT FOUND THEN RETURN QUERY SELECT 'not_found'; RETURN; END IF;
  IF v.state <> 'waiting' THEN RETURN QUERY SELECT 'repeat'; RETURN; END IF;
  UPDATE supplier_payment x SET state = CASE WHEN p_agreed THEN 'done' ELSE 'refused' END, done_at = now() WHERE x.supplier_id = p_supplier AND x.id = p_id;
  IF NOT p_agreed THEN RETURN QUERY SELECT 'refused'; RETURN; END IF;
  PERFORM _post('supplier:' || p_supplier || ':payment:' || p_id, 1, NULL, NULL, NULL, ARRAY[_account(1, 'supplier', p_supplier::text)],
    ARRAY[_account(1, 'gateway_clearing', 'hand')], ARRAY[v.amount], ARRAY['supplier.payment']);
  RETURN QUERY SELECT 'ok';
END $f$;

-- Ask for a payment to a supplier to be booked. The same key again is the same payment. codes: ok, repeat, conflict.
-- grant: nobody
CREATE OR REPLACE FUNCTION propose_supplier_payment(p_supplier bigint, p_amount bigint, p_paid_on date, p_method text, p_reference text, p_note text, p_actor text, p_key text)
RETURNS TABLE (code text, payment_id bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $f$
DECLARE v_id bigint; v_old record;
BEGIN
  INSERT INTO supplier_payment(supplier_id, amount, paid_on, method, reference, note, requested_by, request_key)
    VALUES (p_supplier, p_amount, p_paid_on, p_method, p_reference, p_note, p_actor, p_key) ON CONFLICT (supplier_id, request_key) DO NOTHING RETURNING id INTO v_id;
  IF v_id IS NOT NULL THEN RETURN QUERY SELECT 'ok', v_id; RETURN; END IF;
  SELECT x.id, x.amount INTO v_old FROM supplier_payment x WHERE x.supplier_id = p_supplier AND x.request_key = p_key;
  RETURN QUERY SELECT CASE WHEN v_old.amount = p_amount THEN 'repeat' ELSE 'conflict' END, v_old.id;
END $f$;

-- What we owe a supplier; below zero it holds our money. A supplier sees its own alone.
-- grant: main, supplier
CREATE OR REPLACE FUNCTION supplier_balance(p_supplier bigint) RETURNS TABLE (owed bigint)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $f$
BEGIN
  IF p_supplier IS DISTINCT FROM nullif(current_setting('app.supplier_id', true), '')::bigint AND NOT pg_has_role(session_user, 'kameng_main', 'MEMBER') THEN
    RAISE EXCEPTION 'supplier % is not the one of this transaction', p_supplier USING ERRCODE = 'KM403';
  END IF;
  RETURN QUERY SELECT coalesce((SELECT r.balance FROM account a JOIN account_rollup r ON r.account_id = a.id WHERE a.station_id = 1 AND a.kind = 'supplier' AND a.ref = p_supplier::text), 0)
    + coalesce((SELECT sum(CASE WHEN t.credit_account = a.id THEN t.amount ELSE -t.amount END)::bigint
        FROM account a LEFT JOIN account_rollup r ON r.account_id = a.id JOIN transfer t ON (t.debit_account = a.id OR t.credit_account = a.id) AND (r.through IS NULL OR t.xid >= r.through)
       WHERE a.station_id = 1 AND a.kind = 'supplier' AND a.ref = p_supplier::text), 0);
END $f$;
