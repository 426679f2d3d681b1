-- Stored value: what members paid in apart from what was given on top, and money that is paid back.

-- Which portion of stored value a lot is of; null for other assets.
alter table lot add column portion text check (portion in ('PAID', 'BONUS'));

-- In which order an operation took from lots, so that what was taken last comes back first, whatever the order
-- of spending is then. Null for what was taken before this was kept.
alter table allocation add column place integer;

-- Money that was paid back to the member: it is no spend, and has an account of its own.
alter table operation add column pays_back boolean not null default false
  check (not pays_back or kind = 'REDEEM');
alter table leg drop constraint leg_account_check;
alter table leg add constraint leg_account_check
  check (account in ('ISSUED', 'REDEEMED', 'PAID_BACK', 'BREAKAGE', 'TRANSFERRED', 'ADJUSTED'));
