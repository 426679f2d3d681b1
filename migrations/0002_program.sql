-- The program's other half: limits of rules and benefits, tiers with their history, uses of benefits, refunds.

-- How much of a limit is used up: of one member's share, or (member_id all zeros) of everybody's together.
-- window_start is the first local day of the limit's window; 0001-01-01 where it counts for ever.
create table limit_counter (
  tenant_id uuid not null,
  subject text not null,
  member_id uuid not null,
  window_start date not null,
  used bigint not null default 0 check (used >= 0),
  primary key (tenant_id, subject, member_id, window_start)
);

-- What a member did toward the metrics of ladders, by local day: so that any window is a short sum.
create table metric_day (
  tenant_id uuid not null,
  member_id uuid not null,
  metric text not null,
  day date not null,
  amount bigint not null,
  primary key (tenant_id, member_id, metric, day)
);

-- The tier that a member holds in a ladder; null while they hold none. below_since: since when a review has
-- found too little to keep it; hand: set by hand, above (RAISED) or below (LOWERED) what was reached.
-- enrolled_at is the member's, so that a list by tier is read in its order.
create table member_tier (
  tenant_id uuid not null,
  member_id uuid not null,
  ladder text not null,
  tier text,
  since timestamptz not null,
  below_since timestamptz,
  warned_at timestamptz,
  hand text check (hand in ('RAISED', 'LOWERED')),
  hand_until timestamptz,
  enrolled_at timestamptz not null,
  primary key (tenant_id, member_id, ladder),
  foreign key (tenant_id, member_id) references member (tenant_id, member_id)
);
create index member_tier_holders
  on member_tier (tenant_id, ladder, tier, enrolled_at desc, member_id desc);

-- announced_at: when the rules for tier_change were asked about it; null while that is to be done.
create table tier_change (
  tenant_id uuid not null,
  change_id uuid not null,
  member_id uuid not null,
  ladder text not null,
  from_tier text,
  to_tier text,
  cause text not null check (cause in ('REACHED', 'REVIEWED', 'BY_HAND', 'HAND_ENDED', 'PROGRAM')),
  reason text,
  until timestamptz,
  changed_by text,
  changed_at timestamptz not null,
  announced_at timestamptz,
  primary key (tenant_id, change_id),
  foreign key (tenant_id, member_id) references member (tenant_id, member_id)
);
create index tier_change_by_member on tier_change (tenant_id, member_id, change_id);
create index tier_change_unannounced on tier_change (tenant_id, change_id) where announced_at is null;

-- The local day up to which a tenant's daily work (reviews, birthdays) is done.
create table daily_run (
  tenant_id uuid primary key,
  day date not null,
  finished_at timestamptz not null
);
create index member_by_birthday on member (tenant_id, birthday) where birthday is not null;

-- tier_held: the member's tier carries it; a grant that was revoked by hand keeps it, so that none follows while
-- the tier is held. takes_stock: it is one of the pieces that the benefit has. times_used: how many uses are not
-- undone. changed_at: when it was last used or revoked, or a use undone; each comes strictly after the one before.
alter table benefit_grant
  add column source text not null default 'HAND' check (source in ('TIER', 'RULE', 'HAND')),
  add column reason text,
  add column rule text,
  add column activity_id uuid,
  add column granted_by text,
  add column tier_held boolean not null default false,
  add column takes_stock boolean not null default false,
  add column times_used integer not null default 0 check (times_used >= 0),
  add column revoke_reason text,
  add column revoked_by text,
  add column changed_at timestamptz;
create unique index benefit_grant_of_tier on benefit_grant (tenant_id, member_id, benefit) where tier_held;
create index benefit_grant_by_activity on benefit_grant (tenant_id, activity_id) where activity_id is not null;
create index benefit_grant_by_benefit on benefit_grant (tenant_id, benefit);

-- One redemption of a granted benefit, with the effect that it had then. counted_day: the local day on which it
-- counts for the member's limit of uses; counted_total: whether it counts for everybody's.
create table benefit_use (
  tenant_id uuid not null,
  use_id uuid not null,
  grant_id uuid not null,
  member_id uuid not null,
  effect_kind text not null,
  effect_value text not null,
  channel text,
  store text,
  order_number text,
  order_amount bigint,
  currency text,
  used_at timestamptz not null,
  used_by text not null,
  counted_day date,
  counted_total boolean not null,
  undone_at timestamptz,
  undo_reason text,
  undone_by text,
  primary key (tenant_id, use_id),
  foreign key (tenant_id, grant_id) references benefit_grant (tenant_id, grant_id)
);
create index benefit_use_by_grant on benefit_use (tenant_id, grant_id, use_id);

-- refunds_activity_id: the purchase that a refund takes back; facts: what the rules of a purchase knew, so that
-- they can be asked again.
alter table activity
  add column refunds_activity_id uuid,
  add column facts jsonb;
create index activity_refunds on activity (tenant_id, refunds_activity_id) where refunds_activity_id is not null;

-- What of a purchase was refunded so far; of its lines by their index. The purchase itself never changes.
create table refunded (
  tenant_id uuid not null,
  activity_id uuid not null,
  amount bigint not null default 0 check (amount >= 0),
  lines jsonb,
  primary key (tenant_id, activity_id),
  foreign key (tenant_id, activity_id) references activity (tenant_id, activity_id)
);

-- The operation that this one takes back.
alter table operation add column ref_operation_id uuid;
create index operation_by_ref on operation (tenant_id, ref_operation_id) where ref_operation_id is not null;

alter table limit_counter enable row level security;
alter table limit_counter force row level security;
create policy own_tenant on limit_counter
  using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);
alter table metric_day enable row level security;
alter table metric_day force row level security;
create policy own_tenant on metric_day
  using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);
alter table member_tier enable row level security;
alter table member_tier force row level security;
create policy own_tenant on member_tier
  using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);
alter table tier_change enable row level security;
alter table tier_change force row level security;
create policy own_tenant on tier_change
  using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);
alter table daily_run enable row level security;
alter table daily_run force row level security;
create policy own_tenant on daily_run
  using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);
alter table benefit_use enable row level security;
alter table benefit_use force row level security;
create policy own_tenant on benefit_use
  using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);
alter table refunded enable row level security;
alter table refunded force row level security;
create policy own_tenant on refunded
  using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);
