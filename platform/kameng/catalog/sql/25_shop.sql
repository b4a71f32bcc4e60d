-- What a storefront's front page is drawn from, in one statement.

-- Goods on offer at p_station: the first p_size by p_sort (`new`, `price`, else `hot`), and on the shelf the p_featured most wanted of those that are
-- featured; each as [id, slug, name, summary, kind, cover, tags, price_from, price_to, face_value, sold, its SKUs]. `total` counts all on offer.
-- Visible categories as [id, slug, name, icon, parent, how many goods lie in it itself]. `flash_sales`: whether any runs or is to come.
-- Pieces sold come from the caller, who remembers them for a minute; NULL: they are counted here and told. Levels are told of SKUs that
-- are not among p_known, which are those the caller knows. No secret of the station's is in it: all of it stands on a public page.
-- grant: app
CREATE OR REPLACE FUNCTION shop_front(p_station bigint, p_sort text, p_size int, p_featured int, p_sold_ids bigint[], p_sold_pieces bigint[], p_known bigint[])
RETURNS TABLE(goods json, shelf json, total bigint, categories json, levels json, sold json, flash_sales boolean)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $f$
DECLARE v_skus bigint[];
BEGIN
  PERFORM _enter_station(p_station);
  IF p_sold_ids IS NULL THEN
    SELECT coalesce(array_agg(c.product_id), '{}'), coalesce(array_agg(c.pieces), '{}'), coalesce(json_object_agg(c.product_id, c.pieces), '{}')
      INTO p_sold_ids, p_sold_pieces, sold FROM sold_pieces(p_station) c;
  END IF;
  WITH found AS MATERIALIZED (
    SELECT p.id, p.category_id, p.slug, p.name, p.summary, p.kind, p.cover, p.featured, p.position, p.created_at, min(l.price) AS price_from, max(l.price) AS price_to,
           (array_agg(s.face_value ORDER BY l.price, s.id))[1] AS face_value, array_agg(s.id) AS sku_ids
      FROM listing l JOIN sku s ON s.id = l.sku_id AND s.state = 'on_sale' JOIN product p ON p.id = s.product_id AND p.state = 'on_sale'
     WHERE l.station_id = p_station AND l.active GROUP BY p.id
  ), counted AS (
    SELECT f.*, coalesce(q.pieces, 0) AS pieces FROM found f LEFT JOIN unnest(p_sold_ids, p_sold_pieces) AS q(product_id, pieces) ON q.product_id = f.id
  ), shown AS (
    (SELECT *, false AS shelved FROM counted f
      ORDER BY CASE p_sort WHEN 'price' THEN f.price_from WHEN 'new' THEN -(extract(epoch FROM f.created_at) * 1000000)::bigint ELSE -f.pieces END,
            CASE WHEN p_sort IN ('new', 'price') THEN false ELSE NOT f.featured END, CASE WHEN p_sort IN ('new', 'price') THEN 0 ELSE f.position END,
            CASE p_sort WHEN 'new' THEN -f.id ELSE f.id END LIMIT p_size)
    UNION ALL (SELECT *, true FROM counted f WHERE f.featured ORDER BY f.pieces DESC, f.position, f.id LIMIT p_featured)
  ), cards AS MATERIALIZED (
    SELECT w.shelved, w.sku_ids, json_build_array(w.id, w.slug, w.name, w.summary, w.kind, w.cover,
           (SELECT json_agg(json_build_array(t.slug, t.name) ORDER BY t.id) FROM product_tag pt JOIN tag t ON t.id = pt.tag_id WHERE pt.product_id = w.id),
           w.price_from, w.price_to, w.face_value, w.pieces, w.sku_ids) AS card
      FROM shown w
  )
  SELECT coalesce(json_agg(d.card) FILTER (WHERE NOT d.shelved), '[]'), coalesce(json_agg(d.card) FILTER (WHERE d.shelved), '[]'), (SELECT count(*) FROM found),
         (SELECT coalesce(json_agg(json_build_array(c.id, c.slug, c.name, c.icon, c.parent_id, coalesce(n.count, 0)) ORDER BY c.position, c.id), '[]')
            FROM category c LEFT JOIN (SELECT f.category_id, count(*) FROM found f GROUP BY f.category_id) n ON n.category_id = c.id WHERE c.visible),
         (SELECT array_agg(DISTINCT k.id) FROM cards x CROSS JOIN unnest(x.sku_ids) AS k(id) WHERE k.id <> ALL (p_known)),
         EXISTS (SELECT 1 FROM flash_sale e WHERE e.station_id = p_station AND e.state IN ('planned', 'running') AND e.ends_at > now())
    INTO goods, shelf, total, categories, v_skus, flash_sales FROM cards d;
  levels := CASE WHEN v_skus IS NULL THEN '{}'::json ELSE (SELECT coalesce(json_object_agg(v.sku_id, v.level), '{}') FROM stock_levels(v_skus) v) END;
  RETURN NEXT;
END $f$;

-- Pieces sold at p_station in the last 30 days, by product; those that sold nothing are not named.
-- grant: app
CREATE OR REPLACE FUNCTION sold_pieces(p_station bigint) RETURNS TABLE(product_id bigint, pieces bigint)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $f$
BEGIN
  PERFORM _enter_station(p_station);
  RETURN QUERY SELECT s.product_id, sum(o.quantity)::bigint FROM orders o JOIN sku s ON s.id = o.sku_id
   WHERE o.station_id = p_station AND o.created_at > now() - interval '30 days'
     AND o.state IN ('paid', 'fulfilling', 'delivered', 'completed', 'partially_delivered') GROUP BY s.product_id;
END $f$;
