-- Which station answers at a host: asked before any scope is open, so by role main alone.
-- grant: main
CREATE OR REPLACE FUNCTION station_of_host(p_host text) RETURNS TABLE(id bigint, parent_id bigint, path json, slug text, name text, tagline text, state text, grade text,
  theme text, theme_settings jsonb, contact jsonb, notice text, locale text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $f$
  SELECT s.id, s.parent_id, to_json(s.path), s.slug, s.name, s.tagline, s.state, s.grade, s.theme, s.theme_settings, s.contact, s.notice, s.locale
    FROM host h JOIN station s ON s.id = h.station_id WHERE h.host = p_host AND h.active
$f$;
