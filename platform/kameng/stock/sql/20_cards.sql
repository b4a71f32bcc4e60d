-- Holding, claiming and releasing cards. Unsold and held cards are reached by these functions alone.

-- Take p_quantity unsold cards for an order: p_status 1 = hold, 2 = sell. Raises KM001 when the pool has
-- fewer, KM005 when it has enough but other transactions hold some of them at this moment (ask again).
-- grant: nobody
CREATE OR REPLACE FUNCTION _take_cards(p_station bigint, p_order bigint, p_sku bigint, p_quantity int, p_status smallint, p_until timestamptz) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $f$
DECLARE v_taken int;
BEGIN
  IF p_quantity = 1 THEN -- LIMIT with a parameter would be planned anew on every call
    UPDATE card c SET status = p_status, station_id = p_station, order_id = p_order, held_until = p_until,
                      sold_at = CASE WHEN p_status = 2 THEN now() END
     WHERE c.id = (SELECT q.id FROM card q WHERE q.sku_id = p_sku AND q.status = 0 AND (q.expires_on IS NULL OR q.expires_on > current_date)
                    ORDER BY q.id LIMIT 1 FOR UPDATE SKIP LOCKED);
  ELSE
    WITH free AS MATERIALIZED (
      SELECT q.id FROM card q WHERE q.sku_id = p_sku AND q.status = 0 AND (q.expires_on IS NULL OR q.expires_on > current_date)
       ORDER BY q.id LIMIT p_quantity FOR UPDATE SKIP LOCKED)
    UPDATE card c SET status = p_status, station_id = p_station, order_id = p_order, held_until = p_until,
                      sold_at = CASE WHEN p_status = 2 THEN now() END
      FROM free WHERE c.id = free.id;
  END IF;
  GET DIAGNOSTICS v_taken = ROW_COUNT;
  IF v_taken < p_quantity THEN
    IF _free_cards(p_sku, p_quantity) >= p_quantity - v_taken AND _free_cards(p_sku, p_quantity) > 0 THEN
      RAISE EXCEPTION 'stock_busy' USING ERRCODE = 'KM005';
    END IF;
    RAISE EXCEPTION 'out_of_stock' USING ERRCODE = 'KM001';
  END IF;
END $f$;

-- Unsold cards of a SKU that others can see, counted up to p_cap.
-- grant: nobody
CREATE OR REPLACE FUNCTION _free_cards(p_sku bigint, p_cap int) RETURNS int
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $f$
  SELECT count(*)::int FROM (SELECT 1 FROM card WHERE sku_id = p_sku AND status = 0 AND (expires_on IS NULL OR expires_on > current_date) LIMIT p_cap) s
$f$;

-- Sell the cards an order holds and, when it holds fewer (its hold has run out), take the rest from the pool.
-- grant: nobody
CREATE OR REPLACE FUNCTION _claim_cards(p_station bigint, p_order bigint, p_sku bigint, p_quantity int) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $f$
DECLARE v_held int;
BEGIN
  IF EXISTS (SELECT 1 FROM recovery WHERE state = 'active') THEN RAISE EXCEPTION 'no card leaves while a restore is looked into' USING ERRCODE = 'KM007'; END IF;
  UPDATE card SET status = 2, sold_at = now(), held_until = NULL WHERE station_id = p_station AND order_id = p_order AND status = 1;
  GET DIAGNOSTICS v_held = ROW_COUNT;
  IF v_held < p_quantity THEN
    PERFORM _take_cards(p_station, p_order, p_sku, p_quantity - v_held, 2::smallint, NULL);
  END IF;
END $f$;

-- Give the held cards of an order back to the pool.
-- grant: nobody
CREATE OR REPLACE FUNCTION _release_cards(p_station bigint, p_order bigint) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $f$
  UPDATE card SET status = 0, station_id = NULL, order_id = NULL, held_until = NULL WHERE station_id = p_station AND order_id = p_order AND status = 1
$f$;
