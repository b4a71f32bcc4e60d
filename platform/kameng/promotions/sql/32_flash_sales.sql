-- Guarded functions of flash sales (ADR 0023). A gate in Redis sends most buyers away; these alone decide who gets a unit.

-- Plan a sale of p_units pieces of a SKU; a start in the past is now. codes: ok, sku_unknown, not_on_sale, quantity_invalid (the SKU is
-- not sold singly), units_invalid, time_invalid, price_above (than normal), price_below (than what the station pays), sale_open (the SKU has one).
-- grant: app, main
CREATE OR REPLACE FUNCTION plan_flash_sale(p_station bigint, p_sale_no text, p_sku text, p_price bigint, p_units int, p_starts timestamptz, p_ends timestamptz, p_actor text)
RETURNS TABLE (code text, price bigint, buy_price bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $f$
DECLARE v record; v_id bigint; v_starts timestamptz := greatest(p_starts, now());
BEGIN
  PERFORM _enter_station(p_station);
  SELECT s.id, s.min_quantity, l.price, l.price - pc.margins[cardinality(pc.margins)] AS paid, l.active AND s.state = 'on_sale' AND p.state = 'on_sale' AS on_sale
    INTO v FROM sku s JOIN product p ON p.id = s.product_id JOIN listing l ON l.station_id = p_station AND l.sku_id = s.id
    JOIN price_chain pc ON pc.station_id = p_station AND pc.sku_id = s.id WHERE s.code = p_sku;
  IF NOT FOUND THEN RETURN QUERY SELECT 'sku_unknown', NULL::bigint, NULL::bigint; RETURN; END IF;
  code := CASE WHEN NOT v.on_sale THEN 'not_on_sale' WHEN v.min_quantity > 1 THEN 'quantity_invalid' WHEN p_units IS NULL OR p_units NOT BETWEEN 1 AND 5000 THEN 'units_invalid'
    WHEN p_ends IS NULL OR v_starts IS NULL OR p_ends <= v_starts OR p_ends > v_starts + interval '31 days' OR v_starts > now() + interval '366 days' THEN 'time_invalid'
    WHEN p_price IS NULL OR p_price <= 0 OR p_price % 100 <> 0 OR p_price > v.price THEN 'price_above' WHEN p_price < v.paid THEN 'price_below' ELSE 'ok' END;
  IF code = 'ok' THEN
    INSERT INTO flash_sale AS f (station_id, sale_no, sku_id, price, units, starts_at, ends_at, state, created_by)
      VALUES (p_station, p_sale_no, v.id, p_price, p_units, v_starts, p_ends, CASE WHEN v_starts <= now() THEN 'running' ELSE 'planned' END, p_actor)
      ON CONFLICT (station_id, sku_id) WHERE state IN ('planned', 'running') DO NOTHING RETURNING f.id INTO v_id;
    IF v_id IS NULL THEN code := 'sale_open'; END IF;
    INSERT INTO flash_unit(station_id, sale_id, place) SELECT p_station, v_id, n FROM generate_series(1, p_units) n WHERE v_id IS NOT NULL;
  END IF;
  RETURN QUERY SELECT code, v.price, v.paid;
END $f$;

-- Close a sale by hand: one that has not begun is cancelled, one that runs is ended; orders of it stay as they are.
-- codes: ok, repeat (closed already), not_found. state: what it is now.
-- grant: app, main
CREATE OR REPLACE FUNCTION close_flash_sale(p_station bigint, p_sale_no text, p_actor text) RETURNS TABLE (code text, state text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $f$
DECLARE v record;
BEGIN
  PERFORM _enter_station(p_station);
  SELECT f.id, f.state, f.starts_at INTO v FROM flash_sale f WHERE f.station_id = p_station AND f.sale_no = p_sale_no FOR NO KEY UPDATE;
  IF NOT FOUND THEN RETURN QUERY SELECT 'not_found', ''; RETURN; END IF;
  IF v.state IN ('ended', 'cancelled') THEN RETURN QUERY SELECT 'repeat', v.state; RETURN; END IF;
  state := CASE WHEN v.starts_at > now() THEN 'cancelled' ELSE 'ended' END;
  UPDATE flash_sale f SET state = close_flash_sale.state, closed_by = p_actor, closed_at = now() WHERE f.station_id = p_station AND f.id = v.id;
  RETURN QUERY SELECT 'ok', close_flash_sale.state;
END $f$;

-- Write down that the time of sales has come or is over. Returns how many have changed.
-- grant: main
CREATE OR REPLACE FUNCTION turn_flash_sales() RETURNS TABLE (turned int)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $f$
BEGIN
  UPDATE flash_sale f SET state = CASE WHEN f.ends_at <= now() THEN 'ended' ELSE 'running' END, closed_by = CASE WHEN f.ends_at <= now() THEN 'system' ELSE '' END,
         closed_at = CASE WHEN f.ends_at <= now() THEN now() END
   WHERE f.state IN ('planned', 'running') AND (f.ends_at <= now() OR f.state = 'planned' AND f.starts_at <= now());
  GET DIAGNOSTICS turned = ROW_COUNT;
  RETURN NEXT;
END $f$;

-- What one piece costs in a sale that runs, and the split of it: the seller bears the difference. No row: it does not run, or by now it
-- would cost the station more than it brings. A price that has fallen below the sale's counts instead of it.
-- grant: nobody
CREATE OR REPLACE FUNCTION _flash_terms(p_station bigint, p_sale_no text, p_sku bigint, p_quantity int, p_price bigint, p_margins bigint[], p_explain jsonb, p_full jsonb)
RETURNS TABLE (sale_id bigint, price bigint, payable bigint, margins bigint[], explain jsonb, full_explain jsonb)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $f$
  SELECT f.id, x.price, (x.price + 50) / 100 * 100, p_margins[:cardinality(p_margins) - 1] || (p_margins[cardinality(p_margins)] - p_price + x.price), p_explain || x.step, p_full || x.step
    FROM flash_sale f CROSS JOIN LATERAL (SELECT least(f.price, p_price) AS price, jsonb_build_object('code', 'flash', 'label', '秒杀价', 'input', p_price, 'operation', 'fixed',
           'value', f.price, 'output', least(f.price, p_price), 'station_id', p_station, 'sale_no', f.sale_no) AS step) x
   WHERE f.station_id = p_station AND f.sale_no = p_sale_no AND f.sku_id = p_sku AND f.state IN ('planned', 'running') AND now() >= f.starts_at AND now() < f.ends_at
     AND p_quantity = 1 AND p_margins[cardinality(p_margins)] >= p_price - x.price
$f$;

-- Take a free unit for an order. Raises KM011 (none is left), KM012 (this buyer has one), KM005 (the last ones are being sold at this
-- moment and may come back: ask again). Two requests of one buyer at once: the second fails on the unique key flash_unit_once.
-- grant: nobody
CREATE OR REPLACE FUNCTION _take_flash_unit(p_station bigint, p_sale bigint, p_order bigint, p_buyer text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $f$
BEGIN
  IF EXISTS (SELECT FROM flash_unit u WHERE u.station_id = p_station AND u.sale_id = p_sale AND u.buyer = p_buyer) THEN RAISE EXCEPTION 'flash_once' USING ERRCODE = 'KM012'; END IF;
  UPDATE flash_unit u SET order_id = p_order, buyer = p_buyer, taken_at = now()
   WHERE u.station_id = p_station AND u.sale_id = p_sale AND u.place = (SELECT q.place FROM flash_unit q WHERE q.station_id = p_station AND q.sale_id = p_sale AND q.order_id IS NULL
     ORDER BY q.place LIMIT 1 FOR UPDATE SKIP LOCKED);
  IF NOT FOUND THEN
    IF EXISTS (SELECT FROM flash_unit u WHERE u.station_id = p_station AND u.sale_id = p_sale AND u.order_id IS NULL) THEN RAISE EXCEPTION 'unit_busy' USING ERRCODE = 'KM005'; END IF;
    RAISE EXCEPTION 'flash_sold_out' USING ERRCODE = 'KM011';
  END IF;
  INSERT INTO flash_order(station_id, order_id, sale_id, buyer) VALUES (p_station, p_order, p_sale, p_buyer) ON CONFLICT DO NOTHING;
END $f$;

-- Money has come late for an order whose unit has gone back: true when it has a unit again, or never needed one.
-- grant: nobody
CREATE OR REPLACE FUNCTION _retake_flash_unit(p_station bigint, p_order bigint) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $f$
DECLARE v record;
BEGIN
  SELECT f.sale_id, f.buyer, s.state IN ('planned', 'running') AND now() < s.ends_at AS runs INTO v
    FROM flash_order f JOIN flash_sale s ON s.station_id = f.station_id AND s.id = f.sale_id WHERE f.station_id = p_station AND f.order_id = p_order;
  IF NOT FOUND THEN RETURN true; END IF;
  IF NOT v.runs THEN RETURN false; END IF;
  BEGIN
    PERFORM _take_flash_unit(p_station, v.sale_id, p_order, v.buyer);
  EXCEPTION WHEN SQLSTATE 'KM011' OR SQLSTATE 'KM012' OR SQLSTATE 'KM005' OR unique_violation THEN RETURN false;
  END;
  RETURN true;
END $f$;
