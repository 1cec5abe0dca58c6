-- The audit log by action: one that is rare, or never occurred, was searched for in all rows.
create index audit_log_by_action on auth.audit_log (action, seq);
