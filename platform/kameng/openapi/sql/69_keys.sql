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

-- When and from where a key was used last, to half a minute. The note may be lost with the power: nothing hangs on it.
-- codes: ok, known (it was used a moment ago, or is gone).
-- grant: app
CREATE OR REPLACE FUNCTION note_api_key_use(p_station bigint, p_id bigint, p_ip text) RETURNS TABLE (code text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET plan_cache_mode = force_generic_plan AS $f$
BEGIN
  PERFORM _enter_station(p_station), set_config('synchronous_commit', 'off', true);
  UPDATE api_key k SET last_used_at = now(), last_ip = p_ip
   WHERE k.station_id = p_station AND k.id = p_id AND (k.last_used_at IS NULL OR k.last_used_at < now() - interval '30 seconds');
  RETURN QUERY SELECT CASE WHEN FOUND THEN 'ok' ELSE 'known' END;
END $f$;
