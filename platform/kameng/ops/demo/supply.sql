-- Run by the owner at the end: what suppliers and we agreed, paid and said happened at its time, not while the demo was filled.
UPDATE supplier_document d SET submitted_at = s.created_at + interval '1 hour', reviewed_at = s.created_at + interval '1 day'
  FROM supplier s WHERE s.id = d.supplier_id AND d.state = 'approved';
UPDATE supplier_contract c SET created_at = c.valid_from - interval '2 days', signed_at = c.valid_from + time '10:20', ended_at = CASE WHEN c.ended_at IS NOT NULL THEN now() - interval '3 days' END;
UPDATE supplier_user u SET created_at = s.created_at + interval '1 day' FROM supplier s WHERE s.id = u.supplier_id;
UPDATE supplier_payment p SET created_at = p.paid_on + time '10:05', done_at = p.paid_on + time '15:40' WHERE p.state = 'done';
UPDATE approval a SET created_at = p.created_at, expires_at = p.created_at + interval '7 days', decided_at = p.done_at FROM supplier_payment p
 WHERE a.kind = 'supplier_payment' AND a.subject = p.id::text AND p.state = 'done';
UPDATE approval_vote v SET at = a.decided_at FROM approval a WHERE v.station_id = a.station_id AND v.approval_id = a.id AND a.kind = 'supplier_payment' AND a.decided_at IS NOT NULL;
UPDATE supplier_statement s SET created_at = s.period_until + interval '1 day 2 hours', answered_at = CASE WHEN s.answered_at IS NOT NULL THEN s.period_until + interval '2 days 5 hours' END;
-- The settled quarrel is five days old, the open one of this morning.
UPDATE supply_dispute d SET opened_at = now() - interval '5 days', due_at = now() - interval '4 days 23 hours', first_answer_at = now() - interval '4 days 23 hours 30 minutes',
       closed_at = now() - interval '4 days 20 hours' WHERE d.state = 'agreed';
UPDATE supply_dispute d SET opened_at = now() - interval '2 hours', due_at = now() + interval '1 hour' WHERE d.state = 'open';
UPDATE supply_dispute_message m SET at = coalesce(CASE WHEN m.body LIKE 'agreed:%' THEN d.closed_at END, d.opened_at + interval '1 minute' * m.id) FROM supply_dispute d
 WHERE d.supplier_id = m.supplier_id AND d.id = m.dispute_id;
