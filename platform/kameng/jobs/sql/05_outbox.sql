-- Guarded functions of the outbox: a subscriber says, in its own transaction, that it has handled a message.

-- True for the first to say so. A message whose row is pruned was handled long ago: nobody is first.
-- grant: app, main
CREATE OR REPLACE FUNCTION outbox_mark(p_station bigint, p_outbox_id bigint, p_actor text) RETURNS TABLE (fresh boolean)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $f$
DECLARE n int;
BEGIN
  PERFORM _enter_station(p_station);
  INSERT INTO outbox_done(outbox_id, actor)
    SELECT o.id, p_actor FROM outbox o WHERE o.id = p_outbox_id AND o.station_id = p_station
    ON CONFLICT DO NOTHING;
  GET DIAGNOSTICS n = ROW_COUNT;
  RETURN QUERY SELECT n = 1;
END $f$;

-- Whether a message waits to be sent. The relay asks a hundred times a second while there is work, and never reads
-- the whole table for it: after a rush the statistics say that many rows are new, and the old ones stand first.
-- grant: main
CREATE OR REPLACE FUNCTION outbox_waits() RETURNS TABLE (waits boolean)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp SET enable_seqscan = off AS $f$
  SELECT EXISTS (SELECT FROM outbox WHERE sent_at IS NULL)
$f$;

-- Whether an actor has nothing to do with a message: it has handled it, or the row is pruned.
-- grant: main
CREATE OR REPLACE FUNCTION outbox_handled(p_outbox_id bigint, p_actor text) RETURNS TABLE (handled boolean)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $f$
  SELECT NOT EXISTS (SELECT FROM outbox WHERE id = p_outbox_id)
    OR EXISTS (SELECT FROM outbox_done WHERE outbox_id = p_outbox_id AND actor = p_actor)
$f$;
