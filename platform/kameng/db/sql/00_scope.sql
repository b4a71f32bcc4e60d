-- The door of every guarded function that acts for a station.

-- Work for p_station in this transaction. A page's transaction carries its station already, and no call may carry it
-- over to another: KM403, and the setting stays as it was. Role main goes from station to station; a hot call in
-- autocommit brings no setting and gets this one.
-- grant: nobody
CREATE OR REPLACE FUNCTION _enter_station(p_station bigint) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $f$
DECLARE v_present bigint := nullif(current_setting('app.station_id', true), '')::bigint; v_set text;
BEGIN
  -- session_user, because inside a guarded function the current user is always kameng_guard.
  IF p_station IS NULL OR (v_present <> p_station AND NOT pg_has_role(session_user, 'kameng_main', 'MEMBER')) THEN
    RAISE EXCEPTION 'station % is not the one of this transaction', p_station USING ERRCODE = 'KM403';
  END IF;
  v_set := set_config('app.station_id', p_station::text, true); -- an assignment needs no executor, PERFORM does
END $f$;
