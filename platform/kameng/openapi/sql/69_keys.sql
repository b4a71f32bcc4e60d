-- Keys of the open API as their first request in a process finds them, each question a single statement.

-- An active key of a station, whether its member may act, what the station has said of its dialect (NULL: nothing), and its live secrets, sealed. No row: there is no such key.
-- grant: app
CREATE OR REPLACE FUNCTION find_api_key(p_station bigint, p_key text)
RETURNS TABLE (id bigint, key_id text, member_id bigint, dialect text, mode text, scopes text[], networks text[], per_minute int, callback_url text,
  last_used_s double precision, member_active boolean, switched boolean, sealed bytea[])
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET plan_cache_mode = force_generic_plan AS $f$
BEGIN
  PERFORM _enter_station(p_station);
  RETURN QUERY SELECT k.id, k.key_id, k.member_id, k.dialect, k.mode, k.scopes, k.networks, k.per_minute, k.callback_url,
         extract(epoch FROM now() - k.last_used_at)::double precision, m.state = 'active',
         (SELECT w.enabled FROM dock_switch w WHERE w.station_id = k.station_id AND w.dialect = k.dialect),
         ARRAY(SELECT s.sealed FROM api_secret s WHERE s.station_id = k.station_id AND s.api_key_id = k.id AND s.state = 'live' ORDER BY s.id)
    FROM api_key k JOIN member m ON m.station_id = k.station_id AND m.id = k.member_id
   WHERE k.station_id = p_station AND k.key_id = p_key AND k.state = 'active';
END $f$;

-- When and from where keys were used last, to half a minute. The note may be lost with the power, and is not made of a key that somebody else is changing: nothing hangs on it.
-- codes: ok, known (all were used a moment ago, or are gone).
-- grant: app
CREATE OR REPLACE FUNCTION note_api_key_uses(p_station bigint, p_ids bigint[], p_ips text[]) RETURNS TABLE (code text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET plan_cache_mode = force_generic_plan AS $f$
BEGIN
  PERFORM _enter_station(p_station), set_config('synchronous_commit', 'off', true);
  -- Nobody waits: two processes that note the same crowd would wait for each other in a ring.
  WITH used AS (
    SELECT k.id, u.ip FROM unnest(p_ids, p_ips) u(id, ip) JOIN api_key k ON k.station_id = p_station AND k.id = u.id
     WHERE k.last_used_at IS NULL OR k.last_used_at < now() - interval '30 seconds' FOR UPDATE OF k SKIP LOCKED)
  UPDATE api_key k SET last_used_at = now(), last_ip = used.ip FROM used WHERE k.station_id = p_station AND k.id = used.id;
  RETURN QUERY SELECT CASE WHEN FOUND THEN 'ok' ELSE 'known' END;
END $f$;
