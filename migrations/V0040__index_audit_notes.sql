-- Denied calls and reads of other people's data are recorded once an hour for each actor and target: this finds the last
-- one without reading what else the actor did.
create index audit_log_notes on auth.audit_log (actor_id, target_id, occurred_at)
    where action in ('call_denied', 'user_viewed', 'users_searched');
