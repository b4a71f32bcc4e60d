-- A notice of the main station's account names an attempt of any station: the number leads, the station follows.
-- The same pairs stay unique, and (station, number) is found as before.
ALTER TABLE payment_attempt ADD CONSTRAINT payment_attempt_number UNIQUE (attempt_no, station_id);
ALTER TABLE payment_attempt DROP CONSTRAINT payment_attempt_station_id_attempt_no_key;
