-- A notice is written by guarded functions alone, for a station that they have just found; a foreign key would lock the
-- station's row for each of them, and all notices of a station would meet there.
ALTER TABLE payment_notice DROP CONSTRAINT payment_notice_station_id_fkey;
