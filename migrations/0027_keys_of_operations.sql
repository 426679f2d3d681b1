-- A request's key is kept as a digest that is a UUID as others are (of version 8), so that it can be an operation's id.
create function as_key(digest bytea) returns uuid language sql immutable strict parallel safe as $$
  select encode(set_byte(set_byte(digest, 6, get_byte(digest, 6) & 15 | 128), 8, get_byte(digest, 8) & 63 | 128),
                'hex')::uuid
$$;

-- What the key is kept as that a caller sent.
create function request_key(sent text) returns uuid language sql immutable strict parallel safe as $$
  select as_key(substring(sha256(convert_to(sent, 'UTF8')) for 16))
$$;

-- Row security binds the owner too.
alter table idempotency no force row level security;
update idempotency set key = as_key(uuid_send(key));
alter table idempotency force row level security;

-- A posting that is gathered with others has its request's key as its operation's id; what every other key answers
-- stands in `idempotency`. No unique index reaches over both, so whoever binds keys calls one of these two last, right
-- before COMMIT. Of two transactions that bind one key in the two ways, the lock keeps the second from looking before
-- the first one has ended, and what is looked for after a wait sees what that one wrote. Whoever binds in the same
-- way is kept apart by the primary key there, by `operation_of_entry` here. Keys are looked up one by one, so that each
-- is by its index, whatever the tables held when that was planned.

create function bind_to_operations(of_tenant uuid, keys uuid[]) returns void language plpgsql as $$
begin
  -- One at a time, as they are anyway: they have the feed's row.
  perform pg_advisory_xact_lock(hashtextextended(of_tenant::text, 1));
  if exists (select from unnest(keys) as k (bound)
              cross join lateral (
                select from idempotency where tenant_id = of_tenant and key = k.bound offset 0) as found) then
    raise unique_violation using message = 'a key has an answer already', constraint = 'idempotency_pkey';
  end if;
end $$;

create function bind_to_answers(of_tenant uuid, keys uuid[]) returns void language plpgsql as $$
begin
  perform pg_advisory_xact_lock_shared(hashtextextended(of_tenant::text, 1));
  if exists (select from unnest(keys) as k (bound)
              cross join lateral (
                select from stored_entry
                 where tenant_id = of_tenant and operation_id = k.bound and program_version is not null
                offset 0) as found) then
    raise unique_violation using message = 'a key is an operation already', constraint = 'operation_of_entry';
  end if;
end $$;
