-- What one person alone may not do: requests and the words of other people. Who carries an approved one out asks
-- _require_approved inside its own guarded function, so no page can go past this.

-- grant: nobody
CREATE OR REPLACE FUNCTION _request_approval(p_station bigint, p_kind text, p_subject text, p_title text, p_detail jsonb, p_amount bigint, p_needed int,
  p_actor text, p_reason text) RETURNS bigint
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $f$
  INSERT INTO approval(station_id, kind, subject, title, detail, amount, needed, requested_by, reason)
    VALUES (p_station, p_kind, p_subject, p_title, p_detail, p_amount, p_needed::smallint, p_actor, p_reason) RETURNING id
$f$;

-- One person's word. codes: ok (counted, more are needed), approved, refused, same_person (who asked, or has said so before),
-- over (decided or expired already), not_found.
-- grant: main
CREATE OR REPLACE FUNCTION vote_approval(p_station bigint, p_id bigint, p_actor text, p_agrees boolean, p_reason text) RETURNS TABLE (code text, kind text, subject text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $f$
DECLARE v record; v_agreed int;
BEGIN
  PERFORM _enter_station(p_station);
  SELECT * INTO v FROM approval a WHERE a.station_id = p_station AND a.id = p_id FOR NO KEY UPDATE;
  IF NOT FOUND THEN RETURN QUERY SELECT 'not_found', NULL::text, NULL::text; RETURN; END IF;
  IF v.state <> 'waiting' OR v.expires_at < now() THEN RETURN QUERY SELECT 'over', v.kind, v.subject; RETURN; END IF;
  IF v.requested_by = p_actor OR EXISTS (SELECT 1 FROM approval_vote w WHERE w.station_id = p_station AND w.approval_id = p_id AND w.actor = p_actor) THEN
    RETURN QUERY SELECT 'same_person', v.kind, v.subject; RETURN;
  END IF;
  INSERT INTO approval_vote(station_id, approval_id, actor, agrees, reason) VALUES (p_station, p_id, p_actor, p_agrees, p_reason);
  SELECT count(*) INTO v_agreed FROM approval_vote w WHERE w.station_id = p_station AND w.approval_id = p_id AND w.agrees;
  code := CASE WHEN NOT p_agrees THEN 'refused' WHEN v_agreed >= v.needed THEN 'approved' ELSE 'ok' END;
  IF code <> 'ok' THEN UPDATE approval a SET state = vote_approval.code, decided_at = now() WHERE a.station_id = p_station AND a.id = p_id; END IF;
  RETURN QUERY SELECT code, v.kind, v.subject;
END $f$;

-- Raises KM403 unless enough other people have agreed.
-- grant: nobody
CREATE OR REPLACE FUNCTION _require_approved(p_station bigint, p_kind text, p_subject text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $f$
BEGIN
  IF NOT EXISTS (SELECT 1 FROM approval a WHERE a.station_id = p_station AND a.kind = p_kind AND a.subject = p_subject AND a.state = 'approved'
      AND a.needed <= (SELECT count(*) FROM approval_vote w WHERE w.station_id = a.station_id AND w.approval_id = a.id AND w.agrees AND w.actor <> a.requested_by)) THEN
    RAISE EXCEPTION '% % is not approved', p_kind, p_subject USING ERRCODE = 'KM403';
  END IF;
END $f$;

-- Requests nobody has answered in time. Returns how many.
-- grant: main
CREATE OR REPLACE FUNCTION expire_approvals() RETURNS TABLE (station_id bigint, kind text, subject text)
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $f$
  UPDATE approval a SET state = 'expired', decided_at = now() WHERE a.state = 'waiting' AND a.expires_at < now() RETURNING a.station_id, a.kind, a.subject
$f$;
