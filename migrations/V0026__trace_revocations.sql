-- The way of a revocation is part of the trace of the request that made it: the relay and the sidecars, which come later
-- and by themselves, learn from here which that is.
alter table auth.revocations
    add column traceparent text,
    add constraint revocations_traceparent_is_kept
        check (traceparent ~ '^00-[0-9a-f]{32}-[0-9a-f]{16}-01$');

comment on column auth.revocations.traceparent is
    'The span that made it (W3C Trace Context), where its trace is kept; null for nearly all.';
