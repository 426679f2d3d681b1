-- Whose tier in which ladder is to be evaluated by an extension; written with what was counted, or by a review.
create table tier_due (
  tenant_id uuid not null,
  member_id uuid not null,
  ladder text not null,
  -- Another one whenever something is counted: what was answered to an earlier one is stale.
  mark_id uuid not null,
  cause text not null check (cause in ('REACHED', 'REVIEWED', 'PROGRAM')),
  -- Failures in a row.
  failures integer not null,
  -- The database's own time, not the tenant's.
  next_attempt_at timestamptz not null,
  primary key (tenant_id, member_id, ladder)
);
create index tier_due_by_time on tier_due (tenant_id, next_attempt_at);

alter table tier_due enable row level security;
alter table tier_due force row level security;
create policy own_tenant on tier_due
  using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);

-- extension: the one that decided, and its version.
alter table tier_change
  add column extension jsonb,
  drop constraint tier_change_cause_check,
  add constraint tier_change_cause_check
    check (cause in ('REACHED', 'REVIEWED', 'BY_HAND', 'HAND_ENDED', 'PROGRAM', 'EVALUATED'));
