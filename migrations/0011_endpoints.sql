-- Outbound events: the endpoints that tenants registered, what each is to be told, and every attempt at telling it.

create table event_endpoint (
  tenant_id uuid not null,
  endpoint_id uuid not null,
  name text not null check (name ~ '^[a-z0-9][a-z0-9_-]{0,63}$'),
  url text not null,
  -- What it is told of; null = everything.
  streams text[],
  types text[],
  assets text[],
  -- What signs: JWE.
  secrets bytea not null,
  -- DISABLED by what it answered; REMOVED until its deliveries are forgotten.
  status text not null check (status in ('ACTIVE', 'PAUSED', 'DISABLED', 'REMOVED')),
  disabled_by jsonb,
  -- What the feed holds up to here is among its deliveries.
  position bigint not null,
  -- When it was registered or resumed last: three days of trying begin no sooner. The database's own time, as all of these.
  active_since timestamptz not null,
  -- Since when nothing was taken, and why; null while the last attempt was.
  failing_since timestamptz,
  fault jsonb,
  created_at timestamptz not null,
  created_by text not null,
  primary key (tenant_id, endpoint_id)
);
create unique index event_endpoint_by_name on event_endpoint (tenant_id, name) where status <> 'REMOVED';

-- The order that a member's events are told in: one under way at a time. lane_id: the member, or all zeros for events
-- that are about nobody. A lane is there while something is to be told on it.
create table event_lane (
  tenant_id uuid not null,
  endpoint_id uuid not null,
  lane_id uuid not null,
  -- How often something was added; whoever found nothing more takes the lane away only if that is still so.
  asked bigint not null,
  -- Failures in a row of what is first on it.
  failures integer not null,
  next_attempt_at timestamptz not null,
  -- Who tells now, and until when that may be relied on.
  holder uuid,
  leased_until timestamptz,
  primary key (tenant_id, endpoint_id, lane_id)
);
create index event_lane_by_time on event_lane (tenant_id, endpoint_id, next_attempt_at);

-- What an endpoint is to be told, was told, or was not in three days.
create table event_delivery (
  tenant_id uuid not null,
  endpoint_id uuid not null,
  position bigint not null,
  lane_id uuid not null,
  type text not null,
  state text not null check (state in ('PENDING', 'DELIVERED', 'DEAD')),
  attempts integer not null,
  -- Since when it is to be told: three days later it is given up.
  due_since timestamptz not null,
  -- Null unless PENDING.
  next_attempt_at timestamptz,
  delivered_at timestamptz,
  -- Of the last attempt: the HTTP status, and what went wrong.
  status integer,
  fault jsonb,
  created_at timestamptz not null,
  primary key (tenant_id, endpoint_id, position)
);
create index event_delivery_by_lane on event_delivery (tenant_id, endpoint_id, lane_id, state, position);
-- What waits is said by its next attempt here, not by its state: what is first on a lane must never be looked for in these.
create index event_delivery_waiting on event_delivery (tenant_id, endpoint_id, position) where next_attempt_at is not null;
create index event_delivery_dead on event_delivery (tenant_id, endpoint_id, position) where state = 'DEAD';
create index event_delivery_by_age on event_delivery (tenant_id, created_at);

-- Every attempt; never changed.
create table event_attempt (
  tenant_id uuid not null,
  endpoint_id uuid not null,
  position bigint not null,
  attempt integer not null,
  started_at timestamptz not null,
  duration_ms double precision not null,
  status integer,
  fault jsonb,
  primary key (tenant_id, endpoint_id, position, attempt)
);

alter table event_endpoint enable row level security;
alter table event_endpoint force row level security;
create policy own_tenant on event_endpoint
  using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);
alter table event_lane enable row level security;
alter table event_lane force row level security;
create policy own_tenant on event_lane
  using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);
alter table event_delivery enable row level security;
alter table event_delivery force row level security;
create policy own_tenant on event_delivery
  using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);
alter table event_attempt enable row level security;
alter table event_attempt force row level security;
create policy own_tenant on event_attempt
  using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);
