-- What a storefront's front page is drawn from, in one statement.

-- An array: [goods, shelf, total, categories, tags, levels, sold, flash sales, station].
-- Goods on offer at p_station: the first p_size by p_sort (`new`, `price`, else `hot`), and on the shelf the p_featured most wanted of those that are
-- featured; each as [id, slug, name, summary, kind, cover, price_from, price_to, face_value, sold, its SKUs]. `total` counts all on offer.
-- Visible categories as [id, slug, name, icon, parent, how many goods lie in it itself]; tags as [product, slug, name]. `flash sales`: whether any runs or is to come.
-- Pieces sold come from the caller, who remembers them for a minute; NULL: they are counted here and told. Levels are told of SKUs that
-- are not among p_known, which are those the caller knows. `station`: its row, when p_host is a host of its own and no other's.
-- No secret of the station's is in it: all of it stands on a public page, or tells how that page looks.
-- grant: app
CREATE OR REPLACE FUNCTION shop_front(p_station bigint, p_sort text, p_size int, p_featured int, p_sold_ids bigint[], p_sold_pieces bigint[], p_known bigint[], p_host text)
RETURNS TABLE(front json)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $f$
DECLARE v_goods json; v_shelf json; v_total bigint; v_categories json; v_sold json; v_tags json; v_levels json; v_station json; v_ids bigint[]; v_skus bigint[];
BEGIN
  PERFORM _enter_station(p_station);
  IF p_sold_ids IS NULL THEN
    SELECT coalesce(array_agg(c.product_id), '{}'), coalesce(array_agg(c.pieces), '{}'), coalesce(json_object_agg(c.product_id, c.pieces), '{}')
      INTO p_sold_ids, p_sold_pieces, v_sold FROM sold_pieces(p_station) c;
  END IF;
  -- The least of [price, SKU, face value] is the cheapest SKU, without sorting them. What is sorted by stands first in its row, where PostgreSQL finds it at once.
  WITH found AS MATERIALIZED (
    SELECT p.id, coalesce(q.pieces, 0) AS pieces, p.featured, p.position, p.created_at, o.cheapest[1] AS price_from, o.price_to, o.cheapest[3] AS face_value,
           p.category_id, p.slug, p.name, p.summary, p.kind, p.cover, o.sku_ids
      FROM (SELECT s.product_id, min(ARRAY[l.price, s.id, s.face_value]) AS cheapest, max(l.price) AS price_to, array_agg(s.id) AS sku_ids
              FROM listing l JOIN sku s ON s.id = l.sku_id AND s.state = 'on_sale' WHERE l.station_id = p_station AND l.active GROUP BY s.product_id) o
      JOIN product p ON p.id = o.product_id AND p.state = 'on_sale'
      LEFT JOIN unnest(p_sold_ids, p_sold_pieces) AS q(product_id, pieces) ON q.product_id = p.id
  )
  SELECT g.cards, h.cards, (SELECT count(*) FROM found), g.ids || h.ids, nullif('{' || concat_ws(',', g.skus, h.skus) || '}', '{}')::bigint[],
         (SELECT json_agg(json_build_array(c.id, c.slug, c.name, c.icon, c.parent_id, coalesce(n.count, 0)) ORDER BY c.position, c.id)
            FROM category c LEFT JOIN (SELECT f.category_id, count(*) FROM found f GROUP BY f.category_id) n ON n.category_id = c.id WHERE c.visible)
    INTO v_goods, v_shelf, v_total, v_ids, v_skus, v_categories
    FROM (SELECT json_agg(json_build_array(w.id, w.slug, w.name, w.summary, w.kind, w.cover, w.price_from, w.price_to, w.face_value, w.pieces, w.sku_ids)) AS cards,
                 array_agg(w.id) AS ids, string_agg(array_to_string(w.sku_ids, ','), ',') AS skus
            FROM (SELECT CASE p_sort WHEN 'price' THEN f.price_from WHEN 'new' THEN -(extract(epoch FROM f.created_at) * 1000000)::bigint ELSE -f.pieces END AS first,
                         CASE WHEN p_sort IN ('new', 'price') THEN false ELSE NOT f.featured END AS second, CASE WHEN p_sort IN ('new', 'price') THEN 0 ELSE f.position END AS third,
                         CASE p_sort WHEN 'new' THEN -f.id ELSE f.id END AS last, f.* FROM found f ORDER BY first, second, third, last LIMIT p_size) w) g,
         (SELECT json_agg(json_build_array(w.id, w.slug, w.name, w.summary, w.kind, w.cover, w.price_from, w.price_to, w.face_value, w.pieces, w.sku_ids)) AS cards,
                 array_agg(w.id) AS ids, string_agg(array_to_string(w.sku_ids, ','), ',') AS skus
            FROM (SELECT * FROM found f WHERE f.featured ORDER BY f.pieces DESC, f.position, f.id LIMIT p_featured) w) h;
  IF v_shelf IS NOT NULL OR p_known <> '{}' THEN
    v_skus := (SELECT array_agg(DISTINCT k.id) FROM unnest(v_skus) AS k(id) WHERE k.id <> ALL (p_known));
  END IF;
  v_tags := (SELECT json_agg(json_build_array(pt.product_id, t.slug, t.name) ORDER BY t.id) FROM product_tag pt JOIN tag t ON t.id = pt.tag_id WHERE pt.product_id = ANY (v_ids));
  IF v_skus IS NOT NULL THEN
    v_levels := (SELECT json_object_agg(v.sku_id, v.level) FROM stock_levels(v_skus) v);
  END IF;
  IF p_host IS NOT NULL THEN
    v_station := (SELECT json_build_array(s.id, s.parent_id, s.path, s.slug, s.name, s.tagline, s.state, s.grade, s.theme, s.theme_settings, s.contact, s.notice, s.locale)
                    FROM host h JOIN station s ON s.id = h.station_id WHERE h.host = p_host AND h.active AND h.station_id = p_station);
  END IF;
  front := json_build_array(v_goods, v_shelf, v_total, v_categories, v_tags, v_levels, v_sold, EXISTS (SELECT 1 FROM flash_sale e
    WHERE e.station_id = p_station AND e.state IN ('planned', 'running') AND e.ends_at > now()), v_station);
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
