-- What the open API must know of goods before it buys them.

-- A SKU that the station lists, on sale or not, and whether its product asks for anything; the price is for risk rules alone. No row: the station has no such SKU.
-- grant: app
CREATE OR REPLACE FUNCTION find_api_goods(p_station bigint, p_sku text)
RETURNS TABLE (sku_id bigint, product_id bigint, kind text, price bigint, asks boolean)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET plan_cache_mode = force_generic_plan AS $f$
BEGIN
  PERFORM _enter_station(p_station);
  RETURN QUERY SELECT s.id, s.product_id, p.kind, l.price, EXISTS (SELECT 1 FROM purchase_field f WHERE f.product_id = p.id)
    FROM sku s JOIN product p ON p.id = s.product_id JOIN listing l ON l.station_id = p_station AND l.sku_id = s.id
   WHERE s.code = p_sku;
END $f$;
