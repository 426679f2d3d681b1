import type { GraphQLResolveInfo } from 'graphql';
import { LRUCache } from 'lru-cache';
import stringify from 'safe-stable-stringify';
import {
  Args,
  Ctx,
  Extensions,
  FieldResolver,
  Info,
  Int,
  ObjectType,
  Query,
  Resolver,
  Root,
} from 'type-graphql';
import type { Sql } from '../../persistence/index.ts';
import type { PinnedProgram } from '../programs/index.ts';
import {
  askedFields,
  type ConnectionOf,
  connectionType,
  decodeCursor,
  edgeType,
  encodeCursor,
  momentPlace,
  type Row,
  readMomentPlace,
  toPage,
} from '../shared/index.ts';
import { storedTier } from '../tiers/index.ts';
import { Member } from './member.entity.ts';
import { prefetch } from './member.lookahead.ts';
import {
  type BriefMember,
  countMembers,
  FIRST_PLACE,
  findMembers,
  type MemberConditions,
  type MemberPlace,
} from './member.repository.ts';
import type { MemberContext } from './member.resolver.ts';
import { type MemberFilter, MemberListArgs } from './member-list.inputs.ts';

/** What can be told of a member without their profile. */
const BRIEF_FIELDS = [
  ...['__typename', 'id', 'status', 'displayName', 'enrolledAt', 'tier', 'tierStatus', 'tierHistory'],
  ...['ledger', 'ledgers', 'grants', 'activities', 'identities'],
];
const MOST_COUNTED = 10_000;
const COUNT_LASTS_MS = 60_000;

/** Counts that go on beyond what is counted at every request, with the moment at which they were made. */
const estimates = new LRUCache<string, Promise<number>>({ max: 1_000, ttl: COUNT_LASTS_MS });

@ObjectType({ simpleResolvers: true, description: 'One member of a list.' })
class MemberEdge extends edgeType(() => Member, 'member') {}

@ObjectType({ simpleResolvers: true, description: 'A page of a list of members.' })
export class MemberConnection extends connectionType(() => MemberEdge, 'members') {
  /** Counts when it is asked for the first time. */
  count!: () => Promise<MemberCount>;
}

/** A page as it was read: of its members at least what is asked for. */
interface ReadPage extends ConnectionOf<BriefMember> {
  readonly count: () => Promise<MemberCount>;
}

interface MemberCount {
  readonly total: number;
  readonly isEstimate: boolean;
}

@Resolver(() => MemberConnection)
export class MemberListResolver {
  @Query(() => MemberConnection, { description: 'The members of the tenant that meet a filter.' })
  @Extensions({ roles: ['STAFF'] })
  async members(
    @Args(() => MemberListArgs) { first, after, filter }: MemberListArgs,
    @Ctx() { request, services, loaders }: MemberContext,
    @Info() info: GraphQLResolveInfo,
  ): Promise<ReadPage> {
    const { tenantKey } = request;
    const program = await services.programs.inForce(tenantKey);
    const conditions = toConditions(program, filter);
    const binding = `${tenantKey}|members|${stringify(filter ?? {})}|ENROLLED_AT_DESC`;
    const place = after === null || after === undefined ? FIRST_PLACE : toPlace(binding, after);
    const { sql } = loaders.members;
    const counting = counter(sql, tenantKey, conditions);
    const selected = askedFields(info);
    const isBrief = askedFields(info, 'edges', 'node').every(({ name }) => BRIEF_FIELDS.includes(name.value));
    // The page goes first, so that it doesn't wait for its count.
    const finding = findMembers(sql, tenantKey, conditions, { place, limit: first + 1, isBrief });
    if (selected.some(({ name }) => name.value.startsWith('totalCount'))) counting().catch(() => undefined);
    const rows = await finding;
    const node = askedFields(info, 'edges').find(({ name }) => name.value === 'node');
    if (node !== undefined) {
      const asked = { ...info, fieldNodes: [node] };
      for (const member of rows.slice(0, first)) {
        const knowsTier = storedTier(program.definition, member.storedTier) !== null;
        prefetch(member.memberKey, asked, program, loaders, knowsTier);
      }
    }
    const page = toPage(rows, first, ({ enrolledAt, memberKey }) =>
      encodeCursor(binding, momentPlace(enrolledAt, memberKey)),
    );
    return { ...page, count: counting };
  }

  @FieldResolver(() => Int, {
    description: 'How many members meet the filter: exact up to 10,000, above that maybe a minute old.',
  })
  async totalCount(@Root() connection: Row<MemberConnection>): Promise<number> {
    return (await connection.count()).total;
  }

  @FieldResolver(() => Boolean, { description: 'Whether `totalCount` may be a minute old.' })
  async totalCountIsEstimate(@Root() connection: Row<MemberConnection>): Promise<boolean> {
    return (await connection.count()).isEstimate;
  }
}

function toConditions(
  { definition }: PinnedProgram,
  filter: MemberFilter | null | undefined,
): MemberConditions {
  return {
    tiers: filter?.tier ?? null,
    ladder: definition.ladders[0]?.code ?? null,
    statuses: filter?.status ?? null,
    tags: filter?.tag ?? null,
    from: filter?.enrolledFrom ?? null,
    before: filter?.enrolledBefore ?? null,
  };
}

function toPlace(binding: string, cursor: string): MemberPlace {
  const { moment, key } = readMomentPlace(decodeCursor(binding, cursor, 'after'));
  return { enrolledAt: moment, memberKey: key };
}

/** Counts once, however often it is asked: to the end, unless there are too many to do so each time. */
function counter(sql: Sql, tenantKey: string, conditions: MemberConditions): () => Promise<MemberCount> {
  let counted: Promise<MemberCount> | null = null;
  const count = async (): Promise<MemberCount> => {
    const total = await countMembers(sql, tenantKey, conditions, MOST_COUNTED + 1);
    if (total <= MOST_COUNTED) return { total, isEstimate: false };
    const id = `${tenantKey} ${stringify(conditions)}`;
    let whole = estimates.get(id);
    if (whole === undefined) {
      whole = countMembers(sql, tenantKey, conditions, Number.MAX_SAFE_INTEGER);
      estimates.set(id, whole);
      whole.catch(() => estimates.delete(id));
    }
    return { total: await whole, isEstimate: true };
  };
  return () => {
    counted ??= count();
    return counted;
  };
}
