import DataLoader from 'dataloader';
import { emitEvents } from '../../events/index.ts';
import { type Sql, sparse, statement, type Transaction } from '../../persistence/index.ts';
import type { Identity, IdentityKind, Member } from './member.entity.ts';
import type { NormalIdentity } from './member.policy.ts';
import { ofMember } from './member-change.policy.ts';

const memberColumns = `
  m.tenant_id as "tenantKey", m.member_id as "memberKey", m.status, m.display_name as "displayName", m.gender,
  m.birthday, m.locale, m.region, m.channel, m.store, m.consents, m.attributes, m.tags as "tagCodes",
  m.enrolled_at as "enrolledAt", m.updated_at as "updatedAt", m.merged_into as "mergedIntoKey"`;

const selectMembers = statement<Member>(
  'member.by_keys',
  `select ${memberColumns} from member m where m.tenant_id = $1 and m.member_id = any($2::uuid[])`,
);
/** Laterals with a limit are looked up by keys, also by a plan that was made while tables were empty. */
const selectByIdentities = statement<Member & { readonly kind: string; readonly value: string }>(
  'member.by_identities',
  `select w.kind, w.value, found.*
     from unnest($2::text[], $3::text[]) as w (kind, value)
    cross join lateral (select i.member_id from member_identity i
                         where i.tenant_id = $1 and i.kind = w.kind and i.value = w.value limit 1) own
    cross join lateral (select ${memberColumns} from member m
                         where m.tenant_id = $1 and m.member_id = own.member_id limit 1) found`,
);
const lockMember = statement<Member>(
  'member.lock',
  `select ${memberColumns} from member m where m.tenant_id = $1 and m.member_id = $2 for update`,
);
const selectIdentities = statement<Identity>(
  'identity.by_members',
  `select member_id as "memberKey", kind, value, verified from member_identity
    where tenant_id = $1 and member_id = any($2::uuid[]) order by member_id, position`,
);
const insertMembers = statement(
  'member.insert',
  `insert into member (tenant_id, member_id, status, display_name, gender, birthday, locale, region, channel, store,
                       consents, attributes, tags, enrolled_at, updated_at)
   select $1, m.member_id, 'ACTIVE', m.display_name, m.gender, m.birthday, m.locale, m.region, m.channel,
          m.store, m.consents, m.attributes, string_to_array(m.tags, ','),
          (select business_time()), (select business_time())
     from (select unnest($2::uuid[]) as member_id, unnest($3::text[]) as display_name,
                  unnest($4::text[]) as gender, unnest($5::date[]) as birthday, unnest($6::text[]) as locale,
                  unnest($7::text[]) as region, unnest($8::text[]) as channel, unnest($9::text[]) as store,
                  unnest($10::jsonb[]) as consents, unnest($11::jsonb[]) as attributes,
                  unnest($12::text[]) as tags) m`,
);
const updateMember = statement(
  'member.update',
  `update member set status = $3, display_name = $4, gender = $5, birthday = $6, locale = $7, region = $8,
                     consents = $9, attributes = $10, tags = $11, updated_at = business_time()
    where tenant_id = $1 and member_id = $2`,
);
/** Those of a new member know their places; those of another come behind what there is. */
const insertIdentities = statement<{ kind: string; value: string }>(
  'identity.insert',
  `insert into member_identity (tenant_id, member_id, kind, value, verified, position)
   select $1, i.member_id, i.kind, i.value, i.verified,
          coalesce(i.position, row_number() over (partition by i.member_id order by i.place) - 1
            + (select count(*) from member_identity o where o.tenant_id = $1 and o.member_id = i.member_id))
     from unnest($2::uuid[], $3::text[], $4::text[], $5::boolean[], $6::bigint[])
            with ordinality as i (member_id, kind, value, verified, position, place)
    order by i.kind, i.value
   on conflict do nothing returning kind, value`,
);

const selectNow = statement<{ now: Date }>(
  'member.now',
  'select business_time() as now from tenant where tenant_id = $1',
);
/** What is removed goes, what is added comes behind what stays. Locked first: so what was before is known. */
const updateTags = statement<{ memberKey: string; tagCodes: string[]; isChanged: boolean }>(
  'member.tags',
  `with wanted as (
     select * from unnest($2::uuid[], $3::text[], $4::text[]) as w (member_id, added, removed)
      order by member_id),
   c as (
     select wanted.*, own.tags as before
       from wanted
      cross join lateral (select m.tags from member m
                           where m.tenant_id = $1 and m.member_id = wanted.member_id for update) own)
   update member
      set tags = array(select t from unnest(tags) with ordinality as own (t, place)
                        where t <> all(string_to_array(c.removed, ',')) order by place)
              || array(select a from unnest(string_to_array(c.added, ',')) with ordinality as more (a, place)
                        where a <> all(tags) and a <> all(string_to_array(c.removed, ',')) order by place),
          updated_at = (select business_time())
     from c
    where member.tenant_id = $1 and member.member_id = any($2::uuid[]) and member.member_id = c.member_id
    returning member.member_id as "memberKey", tags as "tagCodes", tags <> c.before as "isChanged"`,
);

/** Business time, for questions that are asked before a transaction is open. */
export async function businessNow(sql: Sql, tenantKey: string): Promise<Date> {
  const [row] = await sql.run(selectNow, [tenantKey]);
  if (row === undefined) throw new Error(`There is no tenant ${tenantKey}.`);
  return row.now;
}

/** Business time that all who ask for it share: it is looked up once, and only if somebody does. */
export function businessClock(sql: Sql, tenantKey: string): () => Promise<Date> {
  let asked: Promise<Date> | null = null;
  return () => {
    asked ??= businessNow(sql, tenantKey);
    return asked;
  };
}

/** Tags that come and go. */
export interface TagChange {
  readonly memberKey: string;
  readonly add: readonly string[];
  readonly remove: readonly string[];
}

/** Changes members' tags, of each member once; answers all of them afterwards, by member. */
export async function changeTags(
  tx: Transaction,
  tenantKey: string,
  changes: readonly TagChange[],
): Promise<Map<string, string[]>> {
  const rows = await tx.run(updateTags, [
    tenantKey,
    changes.map(({ memberKey }) => memberKey),
    changes.map(({ add }) => [...new Set(add)].join(',')),
    changes.map(({ remove }) => remove.join(',')),
  ]);
  const changed = rows.filter(({ isChanged }) => isChanged);
  emitEvents(
    tx,
    tenantKey,
    changed.map(({ memberKey }) => ofMember('TAGS_CHANGED', memberKey)),
  );
  return new Map(rows.map(({ memberKey, tagCodes }) => [memberKey, tagCodes]));
}

type SoughtIdentity = Pick<NormalIdentity, 'kind' | 'value'>;

/** One text for each identity, e.g. for a map. */
export function identityKeyOf({ kind, value }: { readonly kind: string; readonly value: string }): string {
  return `${kind} ${value}`;
}

/** Whose identities these are, by `identityKeyOf`; those that nobody has are missing. */
export async function findByIdentities(
  sql: Sql,
  tenantKey: string,
  identities: readonly SoughtIdentity[],
): Promise<Map<string, Member>> {
  if (identities.length === 0) return new Map();
  const kinds = identities.map(({ kind }) => kind);
  const rows = await sql.run(selectByIdentities, [tenantKey, kinds, identities.map(({ value }) => value)]);
  return new Map(rows.map(({ kind, value, ...member }) => [identityKeyOf({ kind, value }), member]));
}

export async function lockByKey(
  tx: Transaction,
  tenantKey: string,
  memberKey: string,
): Promise<Member | null> {
  const [member] = await tx.run(lockMember, [tenantKey, memberKey]);
  return member ?? null;
}

export type NewMember = Omit<Member, 'enrolledAt' | 'updatedAt'>;

/** Writes new members, enrolled at the transaction's business time. */
export async function insertMany(
  tx: Transaction,
  tenantKey: string,
  members: readonly NewMember[],
): Promise<void> {
  const column = (pick: (member: NewMember) => unknown): unknown[] => members.map(pick);
  await tx.run(insertMembers, [
    tenantKey,
    column(({ memberKey }) => memberKey),
    sparse(members, ({ displayName }) => displayName),
    sparse(members, ({ gender }) => gender),
    sparse(members, ({ birthday }) => birthday),
    sparse(members, ({ locale }) => locale),
    sparse(members, ({ region }) => region),
    sparse(members, ({ channel }) => channel),
    sparse(members, ({ store }) => store),
    column(({ consents }) => JSON.stringify(consents)),
    column(({ attributes }) => JSON.stringify(attributes)),
    // Codes have no commas.
    column(({ tagCodes }) => tagCodes.join(',')),
  ]);
}

export async function update(tx: Transaction, member: Member): Promise<void> {
  await tx.run(updateMember, [
    member.tenantKey,
    member.memberKey,
    member.status,
    member.displayName,
    member.gender,
    member.birthday,
    member.locale,
    member.region,
    JSON.stringify(member.consents),
    JSON.stringify(member.attributes),
    member.tagCodes,
  ]);
}

/** Adds identities to members; answers the indices of those that somebody has already. */
export async function addIdentities(
  tx: Transaction,
  tenantKey: string,
  identities: readonly (NormalIdentity & { readonly memberKey: string; readonly position?: number })[],
): Promise<number[]> {
  const added = await tx.run(insertIdentities, [
    tenantKey,
    identities.map(({ memberKey }) => memberKey),
    identities.map(({ kind }) => kind),
    identities.map(({ value }) => value),
    identities.map(({ verified }) => verified),
    identities.map(({ position }) => position ?? null),
  ]);
  const ours = new Set(added.map(identityKeyOf));
  return identities.flatMap((identity, index) => (ours.has(identityKeyOf(identity)) ? [] : [index]));
}

export interface MemberLoaders {
  /** The tenant's reads, for lists. */
  readonly sql: Sql;
  readonly member: DataLoader<string, Member | null>;
  readonly identities: DataLoader<string, Identity[]>;
  byIdentity(kind: IdentityKind, value: string): Promise<Member | null>;
}

/** The batched reads of one request. */
export function createMemberLoaders(sql: Sql, tenantKey: string): MemberLoaders {
  return {
    sql,
    member: new DataLoader(async (keys) => {
      const rows = await sql.run(selectMembers, [tenantKey, keys]);
      const byKey = new Map(rows.map((member) => [member.memberKey, member]));
      return keys.map((key) => byKey.get(key) ?? null);
    }),
    identities: new DataLoader(async (keys) => {
      const rows = await sql.run(selectIdentities, [tenantKey, keys]);
      const byMember = Map.groupBy(rows, ({ memberKey }) => memberKey);
      return keys.map((key) => byMember.get(key) ?? []);
    }),
    byIdentity: async (kind, value) => {
      const found = await findByIdentities(sql, tenantKey, [{ kind, value }]);
      return found.get(identityKeyOf({ kind, value })) ?? null;
    },
  };
}

/** Which members are listed: those that meet every condition that isn't null. */
export interface MemberConditions {
  /** Codes of tiers of `ladder`. */
  readonly tiers: readonly string[] | null;
  /** The ladder whose tiers are meant; null where the program has none. */
  readonly ladder: string | null;
  readonly statuses: readonly string[] | null;
  readonly tags: readonly string[] | null;
  readonly from: Date | null;
  readonly before: Date | null;
}

/** Where a member stands in the list: behind those who enrolled later. */
export interface MemberPlace {
  /** A moment as PostgreSQL reads it. */
  readonly enrolledAt: string | Date;
  readonly memberKey: string;
}

export const FIRST_PLACE: MemberPlace = {
  enrolledAt: 'infinity',
  memberKey: 'ffffffff-ffff-ffff-ffff-ffffffffffff',
};

const meets = `
      ($3::text[] is null or m.status = any($3)) and ($4::text[] is null or m.tags && $4)
      and ($5::timestamptz is null or m.enrolled_at >= $5) and ($6::timestamptz is null or m.enrolled_at < $6)`;

/** The same of who holds a tier: the member's row is looked at only where a condition needs it. */
const holderMeets = `
      ($5::timestamptz is null or t.enrolled_at >= $5) and ($6::timestamptz is null or t.enrolled_at < $6)
      and ($3::text[] is null and $4::text[] is null
           or (select ($3::text[] is null or m.status = any($3)) and ($4::text[] is null or m.tags && $4)
                 from member m where m.tenant_id = $1 and m.member_id = t.member_id))`;

/** Each tier is read in the list's own order, so that a page costs a page, however rare the tier. */
const holders = `
     from unnest($7::text[]) as wanted (tier)
    cross join lateral (
      select t.enrolled_at, t.member_id, t.tier
        from member_tier t
       where t.tenant_id = $1 and t.ladder = $2 and t.tier = wanted.tier and ${holderMeets}
         and (t.enrolled_at, t.member_id) < ($8::timestamptz, $9::uuid)
       order by t.enrolled_at desc, t.member_id desc limit $10) h`;

const ofHolders = `page.tier as "storedTier"
     from (select h.enrolled_at, h.member_id, h.tier ${holders}
            order by h.enrolled_at desc, h.member_id desc limit $10) page
     join member m on m.tenant_id = $1 and m.member_id = page.member_id
    order by page.enrolled_at desc, page.member_id desc`;
const ofAll = `
          (select t.tier from member_tier t
            where t.tenant_id = $1 and t.member_id = m.member_id and t.ladder = $2) as "storedTier"
     from member m
    where m.tenant_id = $1 and ${meets}
      and (m.enrolled_at, m.member_id) < ($7::timestamptz, $8::uuid)
    order by m.enrolled_at desc, m.member_id desc limit $9`;
/** What lists mostly show: neither profile nor attributes, consents and tags. */
const briefColumns = `
  m.tenant_id as "tenantKey", m.member_id as "memberKey", m.status, m.display_name as "displayName",
  m.enrolled_at as "enrolledAt"`;

/** A member as far as `briefColumns` tell them. */
export type BriefMember = Pick<
  Member,
  'tenantKey' | 'memberKey' | 'status' | 'displayName' | 'enrolledAt' | 'storedTier'
>;

const selectByTier = statement<Member>('member.list_by_tier', `select ${memberColumns}, ${ofHolders}`);
const selectAll = statement<Member>('member.list', `select ${memberColumns}, ${ofAll}`);
const selectBriefByTier = statement<BriefMember>(
  'member.brief_by_tier',
  `select ${briefColumns}, ${ofHolders}`,
);
const selectBrief = statement<BriefMember>('member.brief', `select ${briefColumns}, ${ofAll}`);
const countByTier = statement<{ count: bigint }>(
  'member.count_by_tier',
  `select count(*) as count
     from (select from member_tier t
            where t.tenant_id = $1 and t.ladder = $2 and t.tier = any($7::text[]) and ${holderMeets}
              and (t.enrolled_at, t.member_id) < ($8::timestamptz, $9::uuid) limit $10) as found`,
);
const countAll = statement<{ count: bigint }>(
  'member.count',
  `select count(*) as count
     from (select from member m
            where m.tenant_id = $1 and ($2::text is null or true) and ${meets}
              and (m.enrolled_at, m.member_id) < ($7::timestamptz, $8::uuid) limit $9) as found`,
);

function valuesOf(
  tenantKey: string,
  conditions: MemberConditions,
  place: MemberPlace,
  limit: number,
): unknown[] {
  const { tiers, ladder, statuses, tags, from, before } = conditions;
  const shared = [statuses, tags, from, before];
  const end = [place.enrolledAt, place.memberKey, limit];
  return tiers === null
    ? [tenantKey, ladder, ...shared, ...end]
    : [tenantKey, ladder, ...shared, [...new Set(tiers)], ...end];
}

/** A page of members, newest first: as a whole, or what lists mostly show. */
export async function findMembers(
  sql: Sql,
  tenantKey: string,
  conditions: MemberConditions,
  page: { readonly place: MemberPlace; readonly limit: number; readonly isBrief: boolean },
): Promise<BriefMember[]> {
  const values = valuesOf(tenantKey, conditions, page.place, page.limit);
  const byTier = conditions.tiers !== null;
  if (page.isBrief) return await sql.run(byTier ? selectBriefByTier : selectBrief, values);
  return await sql.run(byTier ? selectByTier : selectAll, values);
}

/** How many members meet the conditions; looks at no more than `most` of each tier. */
export async function countMembers(
  sql: Sql,
  tenantKey: string,
  conditions: MemberConditions,
  most: number,
): Promise<number> {
  const values = valuesOf(tenantKey, conditions, FIRST_PLACE, most);
  const [row] = await sql.run(conditions.tiers === null ? countAll : countByTier, values);
  return Number(row?.count ?? 0n);
}
