-- Narrowed to what has moved since a moment: an order by a transfer or a step of it, an attempt by a transfer or its age.
touched AS MATERIALIZED (
  SELECT station_id, order_id FROM public.transfer WHERE at >= :since AND order_id IS NOT NULL
  UNION SELECT station_id, order_id FROM public.order_event WHERE at >= :since),
touched_attempt AS MATERIALIZED (
  SELECT station_id, attempt_id FROM public.transfer WHERE at >= :since AND attempt_id IS NOT NULL
  UNION SELECT station_id, id FROM public.payment_attempt WHERE created_at >= CAST(:since AS timestamptz) - interval '2 days'
  UNION SELECT station_id, attempt_id FROM public.refund WHERE created_at >= CAST(:since AS timestamptz) - interval '2 days')
