-- The card vault: counting, importing, voiding and re-encrypting cards without handing them out.

-- How many of each SKU can be bought now, up to 1 000: a page needs no more, and the count stays cheap. Cards of the pool and,
-- as the SKU is sourced, what suppliers have; 1 000 also where nobody counts. Free cards are those of `_free_cards`, which asked for each of
-- twenty SKUs of a page costs three times as much.
-- grant: app, main
CREATE OR REPLACE FUNCTION stock_levels(p_skus bigint[]) RETURNS TABLE(sku_id bigint, level int)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $f$
  SELECT q.id, CASE WHEN s.id IS NULL THEN 0 WHEN p.kind <> 'card' OR s.sourcing = 'supplier' THEN c.upstream WHEN s.sourcing = 'pool' THEN c.pool
         ELSE greatest(c.pool, c.upstream) END
    FROM unnest(p_skus) AS q(id) LEFT JOIN sku s ON s.id = q.id LEFT JOIN product p ON p.id = s.product_id LEFT JOIN supply_level u ON u.sku_id = s.id
   CROSS JOIN LATERAL (SELECT CASE WHEN p.kind = 'card' AND s.sourcing <> 'supplier' THEN (SELECT count(*)::int FROM (SELECT 1 FROM card d
        WHERE d.sku_id = s.id AND d.status = 0 AND (d.expires_on IS NULL OR d.expires_on > current_date) LIMIT 1000) f) ELSE 0 END AS pool,
      CASE WHEN u.sku_id IS NULL THEN CASE p.kind WHEN 'card' THEN 0 ELSE 1000 END ELSE least(1000, coalesce(u.available, 1000)) END AS upstream) c
$f$;

-- Store sealed cards of one batch; returns how many were new. A card that is there already is left
-- alone, so the same file may come again. The lock keeps two imports of one file from a deadlock.
-- Ciphers and digests come as hex between commas: quoting arrays of bytea took a quarter of an import.
-- grant: main
CREATE OR REPLACE FUNCTION insert_cards(p_batch bigint, p_sku bigint, p_ciphers text, p_digests text, p_key bigint, p_expires date) RETURNS TABLE(inserted int)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $f$
DECLARE v_new int;
BEGIN
  IF NOT EXISTS (SELECT 1 FROM card_batch b WHERE b.id = p_batch AND b.sku_id = p_sku AND b.state = 'importing') THEN
    RAISE EXCEPTION 'batch_closed' USING ERRCODE = 'KM008';
  END IF;
  PERFORM pg_advisory_xact_lock(hashtextextended('kameng.cards', p_sku));
  INSERT INTO card(sku_id, batch_id, cipher, digest, key_id, expires_on)
  SELECT p_sku, p_batch, decode(q.cipher, 'hex'), decode(q.digest, 'hex'), p_key, p_expires
    FROM unnest(string_to_array(p_ciphers, ','), string_to_array(p_digests, ','))
         WITH ORDINALITY AS q(cipher, digest, line) ORDER BY q.line
  ON CONFLICT (sku_id, digest) DO NOTHING;
  GET DIAGNOSTICS v_new = ROW_COUNT;
  RETURN QUERY SELECT v_new;
END $f$;

-- Unsold cards whose last day has come are void; the last day itself is too short to use a card.
-- grant: main
CREATE OR REPLACE FUNCTION expire_cards(p_today date) RETURNS TABLE(sku_id bigint, voided int)
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $f$
  WITH gone AS (
    UPDATE card c SET status = 3 WHERE c.status = 0 AND c.expires_on <= p_today RETURNING c.sku_id)
  SELECT g.sku_id, count(*)::int FROM gone g GROUP BY g.sku_id
$f$;

-- Withdraw what is left of a batch. Held and sold cards stay with their orders.
-- grant: main
CREATE OR REPLACE FUNCTION void_batch_cards(p_batch bigint) RETURNS TABLE(voided int)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $f$
DECLARE v_gone int;
BEGIN
  UPDATE card c SET status = 3 WHERE c.batch_id = p_batch AND c.status = 0;
  GET DIAGNOSTICS v_gone = ROW_COUNT;
  RETURN QUERY SELECT v_gone;
END $f$;

-- Cards after p_after that are still sealed with a retired key. Not locked: a sale must not find the pool busy.
-- grant: main
CREATE OR REPLACE FUNCTION cards_to_reencrypt(p_after bigint, p_limit int) RETURNS TABLE(id bigint, sku_id bigint, cipher bytea, digest bytea, key_id bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $f$
  SELECT c.id, c.sku_id, c.cipher, c.digest, c.key_id FROM card c
   WHERE c.id > p_after
     AND c.key_id = ANY (SELECT k.id FROM data_key k WHERE k.purpose = 'card' AND k.state = 'retired')
   ORDER BY c.id LIMIT least(p_limit, 1000)
$f$;

-- Put re-sealed cards back, each only if nobody else has re-sealed it in the meantime.
-- grant: main
CREATE OR REPLACE FUNCTION reencrypt_cards(p_ids bigint[], p_old_keys bigint[], p_ciphers bytea[], p_key bigint) RETURNS TABLE(changed int)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $f$
DECLARE v_changed int;
BEGIN
  UPDATE card c SET cipher = q.cipher, key_id = p_key
    FROM unnest(p_ids, p_old_keys, p_ciphers) AS q(id, old_key, cipher)
   WHERE c.id = q.id AND c.key_id = q.old_key
     AND EXISTS (SELECT 1 FROM data_key k WHERE k.id = p_key AND k.purpose = 'card' AND k.state = 'active');
  GET DIAGNOSTICS v_changed = ROW_COUNT;
  RETURN QUERY SELECT v_changed;
END $f$;

-- Open an alert unless the same is open already: raised once, not repeatedly.
-- grant: app, main
CREATE OR REPLACE FUNCTION raise_alert(p_station bigint, p_kind text, p_subject text, p_title text, p_detail jsonb) RETURNS TABLE(alert_id bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $f$
BEGIN
  PERFORM _enter_station(p_station);
  RETURN QUERY INSERT INTO alert(station_id, kind, subject, title, detail) VALUES (p_station, p_kind, p_subject, left(p_title, 200), p_detail)
    ON CONFLICT (station_id, kind, subject) WHERE state = 'open' DO NOTHING RETURNING id;
END $f$;

-- Close an open alert: what it warned of is over.
-- grant: app, main
CREATE OR REPLACE FUNCTION close_alert(p_station bigint, p_kind text, p_subject text) RETURNS TABLE(alert_id bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $f$
BEGIN
  PERFORM _enter_station(p_station);
  RETURN QUERY UPDATE alert SET state = 'closed', closed_at = now()
    WHERE station_id = p_station AND kind = p_kind AND subject = p_subject AND state = 'open' RETURNING id;
END $f$;
