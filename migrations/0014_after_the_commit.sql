-- What extensions are told, or asked, once something is committed.

-- Up to where in a tenant's feed those who answer a point were told; a row is there while somebody answers.
create table told_place (
  tenant_id uuid not null,
  point text not null,
  position bigint not null,
  -- Since when what comes next is not heard; null while it is. The database's own time, not the tenant's.
  failing_since timestamptz,
  primary key (tenant_id, point)
);

alter table told_place enable row level security;
alter table told_place force row level security;
create policy own_tenant on told_place
  using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);
