-- Velocity counts across all stations, for the time in which Redis cannot be asked.

-- Counts the event (once, however often it is asked) and returns how many of its key lie in the window.
-- grant: app, main
CREATE OR REPLACE FUNCTION count_risk_hit(p_station bigint, p_counter text, p_key text, p_event_id text, p_window_s int) RETURNS TABLE (hits int)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $f$
DECLARE v_now timestamptz;
BEGIN
  PERFORM _enter_station(p_station);
  -- One at a time for each key: of ten that come at once, exactly one is the tenth.
  PERFORM pg_advisory_xact_lock(hashtextextended(p_counter || E'\n' || p_key, 60));
  v_now := clock_timestamp();
  INSERT INTO risk_hit(station_id, counter, key, event_id, at) VALUES (p_station, p_counter, p_key, p_event_id, v_now)
    ON CONFLICT (station_id, counter, event_id) DO NOTHING;
  RETURN QUERY SELECT count(*)::int FROM risk_hit h
    WHERE h.counter = p_counter AND h.key = p_key AND h.at > v_now - make_interval(secs => p_window_s);
END $f$;
