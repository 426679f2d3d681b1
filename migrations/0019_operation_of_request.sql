-- What a request answered that made one operation and nothing else: that operation, instead of JSON that names it
-- (result). What was kept before stays as it is.

alter table idempotency
  add column operation_id uuid,
  alter column result drop not null,
  add constraint idempotency_answered check (num_nonnulls(result, operation_id) = 1);
