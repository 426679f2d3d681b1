-- Assets whose record is kept by another system: what that is asked to do, and what it answered.

-- One change of the record. The operation that it is of was written first: a credit as a pending lot, a debit as a hold.
create table record_change (
  tenant_id uuid not null,
  operation_id uuid not null,
  ledger_id uuid not null,
  -- Of the entry that the operation wrote: the order in which a ledger's changes are asked for.
  version bigint not null,
  member_id uuid not null,
  asset text not null,
  kind text not null check (kind in ('EARN', 'REDEEM', 'ADJUST', 'REVERSE')),
  -- With its sign.
  amount bigint not null check (amount <> 0),
  -- What reserves a debit; null for a credit.
  hold_id uuid,
  -- Of REVERSE: what it takes back.
  reverses uuid,
  -- Of REVERSE: the moment that decides on which local day it counts.
  counts_at timestamptz,
  status text not null check (status in ('ASKED', 'DONE', 'REFUSED', 'GIVEN_UP')),
  attempts integer not null,
  -- The operation that settled it; null while it is open, and where nothing was to be done.
  settled_by uuid,
  -- What the other system said.
  reason text,
  reference_type text,
  reference_id text,
  balance bigint,
  -- The database's own time, as all of these: three days later it is given up.
  asked_at timestamptz not null,
  settled_at timestamptz,
  primary key (tenant_id, operation_id)
);
create index record_change_open on record_change (tenant_id, ledger_id, version) where status = 'ASKED';
create unique index record_change_reverses on record_change (tenant_id, reverses)
  where status = 'ASKED' and reverses is not null;
create index record_change_given_up on record_change (tenant_id, asked_at) where status = 'GIVEN_UP';

-- The order of one ledger's changes: one is asked for at a time. A lane is there while something is open on it.
create table record_lane (
  tenant_id uuid not null,
  ledger_id uuid not null,
  -- How often something was added; whoever found nothing more takes the lane away only if that is still so.
  asked bigint not null,
  -- Failures in a row of what is first on it.
  failures integer not null,
  next_attempt_at timestamptz not null,
  -- Who asks now, and until when that may be relied on.
  holder uuid,
  leased_until timestamptz,
  primary key (tenant_id, ledger_id)
);
create index record_lane_by_time on record_lane (tenant_id, next_attempt_at);

alter table record_change enable row level security;
alter table record_change force row level security;
create policy own_tenant on record_change
  using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);
alter table record_lane enable row level security;
alter table record_lane force row level security;
create policy own_tenant on record_lane
  using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);
