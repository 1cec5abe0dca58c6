-- The audit log is kept for a limited time, and old months are dropped with their partitions. The rows until now become
-- the partition of this month, whatever their age.
do $$
declare
    this_month constant timestamp := date_trunc('month',
        greatest(clock_timestamp(), (select occurred_at from auth.audit_head)) at time zone 'UTC');
    part constant text := 'audit_log_' || to_char(this_month, 'YYYY_MM');
    until constant text := to_char(this_month + interval '1 month', 'YYYY-MM-DD') || ' 00:00:00+00';
begin
    execute format('alter table auth.audit_log rename to %I', part);
    -- A primary key of a partitioned table must contain what it is partitioned by.
    execute format('alter table auth.%I drop constraint audit_log_pkey', part);
    execute format('alter index auth.audit_log_by_actor rename to %I', part || '_by_actor');
    execute format('alter index auth.audit_log_by_target rename to %I', part || '_by_target');
    execute format('alter index auth.audit_log_notes rename to %I', part || '_notes');
    execute format('create table auth.audit_log (like auth.%I including defaults including constraints including comments)
                    partition by range (occurred_at)', part);
    alter table auth.audit_log add constraint audit_log_pkey primary key (seq, occurred_at);
    create index audit_log_by_actor on auth.audit_log (actor_id, seq) where actor_id is not null;
    create index audit_log_by_target on auth.audit_log (target_id, seq);
    create index audit_log_notes on auth.audit_log (actor_id, target_id, occurred_at)
        where action in ('call_denied', 'user_viewed', 'users_searched');
    execute format('alter table auth.audit_log attach partition auth.%I for values from (minvalue) to (%L)', part, until);
    execute format('comment on table auth.%I is %L', part, 'The audit log until ' || until || '.');
end
$$;

create table auth.audit_log_default partition of auth.audit_log default;

comment on table auth.audit_log is 'What was changed by those who may change others, in order and without a gap; partitioned by month in UTC.';
comment on table auth.audit_log_default is 'Rows that arrived before their month had its partition.';
