-- Live events. A position of the feed is an entry of a ledger, or one row of this: what happened to members, tiers,
-- grants and extensions. A row says what it is about and holds no personal data: what is shown is read when it is told.
-- stream, type: which subscription tells it, and as what. subject_id: the member, the change of a tier, the grant or the
-- extension. detail: what the subject doesn't say by itself, such as the use of a grant.
create table feed_event (
  tenant_id uuid not null,
  position bigint not null,
  stream text not null check (stream in ('tiers', 'grants', 'members', 'extensions')),
  type text not null,
  member_id uuid,
  subject_id uuid not null,
  detail jsonb,
  occurred_at timestamptz not null,
  -- The database's own time, not the tenant's: by it rows are forgotten.
  recorded_at timestamptz not null,
  primary key (tenant_id, position)
);
create index feed_event_by_stream on feed_event (tenant_id, stream, position);
create index feed_event_by_member on feed_event (tenant_id, stream, member_id, position) where member_id is not null;

-- Events up to here may be forgotten; entries never are.
alter table tenant_feed add column events_from bigint not null default 0;

alter table feed_event enable row level security;
alter table feed_event force row level security;
create policy own_tenant on feed_event
  using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);
