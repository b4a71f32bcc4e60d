-- Settings of plugins, with their secrets as they are stored: sealed.

-- All rows of a station as lists, in the order of PluginRow. Processes remember them, and pages ask for them before anything else is known.
-- grant: main
CREATE OR REPLACE FUNCTION plugin_rows(p_owner bigint) RETURNS TABLE(rows json)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $f$
  SELECT json_agg(json_build_array(p.station_id, p.plugin_id, p.enabled, p.config, encode(p.secrets, 'hex'), p.secrets_meta, p.config_version, p.token, p.health,
           p.updated_at, p.account) ORDER BY p.account, p.plugin_id)
    FROM station_plugin p WHERE p.station_id = p_owner
$f$;
