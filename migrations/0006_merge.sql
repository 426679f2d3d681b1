-- Members who were merged: who they live on in. Whoever was merged into them before points there too, so that one
-- step always leads to the end.
alter table member add column merged_into uuid;
create index member_merged on member (tenant_id, merged_into) where merged_into is not null;
