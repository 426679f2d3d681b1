-- Members of the tenant that is set, with eight days each in the last year on which they earned growth. Most
-- hold the tier that they reached; some have reached it too long ago to keep it.
set local synchronous_commit = off;

create temporary table filled as
  select current_setting('app.tenant_id')::uuid as tenant_id, gen_random_uuid() as member_id,
         now() - make_interval(days => 400 + n % 1000) as enrolled_at, n,
         -- How much growth in each of the eight days: few have much.
         case when n % 100 < 70 then n % 60 when n % 100 < 95 then 60 + n % 180 else 250 + n % 1200 end as growth
    from generate_series(1, current_setting('bench.members')::integer) as n;

insert into member (tenant_id, member_id, status, display_name, consents, attributes, tags, enrolled_at, updated_at)
select tenant_id, member_id, 'ACTIVE', 'Member ' || n, '[]', '{}', '{}', enrolled_at, enrolled_at from filled
 order by member_id;

insert into metric_day (tenant_id, member_id, metric, day, amount)
select f.tenant_id, f.member_id, 'growth', current_date - (d * 45 + f.n % 40)::integer, f.growth
  from filled f cross join generate_series(0, 7) as d
 order by f.member_id, 4;

insert into member_tier (tenant_id, member_id, ladder, tier, since, enrolled_at)
select tenant_id, member_id, 'tea-friends',
       (array['bronze', 'silver', 'gold', 'black'])[
         least(4, width_bucket(growth * 8, array[0, 500, 2000, 10000]) + (n % 50 = 0)::integer)],
       enrolled_at, enrolled_at
  from filled
 order by member_id;

drop table filled;
