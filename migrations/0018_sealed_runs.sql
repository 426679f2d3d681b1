-- One row of the chain for the operations that were sealed together. What was sealed before is carried over with its
-- hashes, so a head that was noted before is still there.
alter table operation_chain rename to operation_link;
alter index operation_chain_pkey rename to operation_link_pkey;

create table operation_chain (
  tenant_id uuid not null,
  -- Of the first one, in the feed.
  position bigint not null,
  operation_ids uuid[] not null,
  -- How far behind the first one's position each of them is.
  offsets smallint[] not null,
  -- The first 16 bytes of each one's hash, which name what was changed; of the last one's all 32, which seal it all.
  hashes bytea not null,
  primary key (tenant_id, position),
  check (cardinality(operation_ids) > 0 and cardinality(offsets) = cardinality(operation_ids)
         and length(hashes) = 16 * cardinality(operation_ids) + 16)
);

-- Row security binds the owner too; it is lifted for this one statement.
alter table operation_link no force row level security;
insert into operation_chain (tenant_id, position, operation_ids, offsets, hashes)
select tenant_id, first, array_agg(operation_id order by position),
       array_agg((position - first)::smallint order by position),
       string_agg(case when position = last then hash else substring(hash for 16) end, '' order by position)
  from (select l.*, min(position) over page as first, max(position) over page as last
          from operation_link l window page as (partition by tenant_id, position / 5000)) placed
 group by tenant_id, first;
drop table operation_link;

alter table operation_chain enable row level security;
alter table operation_chain force row level security;
create policy own_tenant on operation_chain
  using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);
