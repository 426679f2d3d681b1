-- Assets as data: lots that fall due by an event and expire by idleness, and why an operation was made.

-- The activity type that makes a lot due before its time, when such an activity names the same order.
alter table lot add column awaits text;
-- Whether its expiry moves on with whatever happens in the ledger.
alter table lot add column idles boolean not null default false;

-- SHA-256 of what the operation was decided from: the request, or where time acted the ledger's version and the
-- moment. Null for what was made before this was kept.
alter table operation add column input_hash bytea;

-- The floor is what the program in force says, and may rise above a balance. The column is written still, for
-- gateways of the last release.
alter table ledger drop constraint ledger_never_below_floor;
