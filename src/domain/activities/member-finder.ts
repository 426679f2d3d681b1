import { refuse } from '../../kernel/errors.ts';
import { fromPublicId } from '../../kernel/ids.ts';
import type { RequestContext } from '../../kernel/request-context.ts';
import type { Database } from '../../persistence/index.ts';
import {
  createMemberLoaders,
  findByIdentities,
  identityKeyOf,
  type Member,
  normaliseIdentity,
} from '../members/index.ts';
import type { RecordActivityInput } from './activity.inputs.ts';

type NamedMember = Pick<RecordActivityInput, 'memberId' | 'identity' | 'enrolIfUnknown'>;

/** Names of identities as they came in: reading a phone number takes longer than asking the rules. */
const namesOf = new WeakMap<object, string>();

/** What an activity names its member by, in one spelling; equal names mean the same member. */
export function nameOf({ memberId, identity }: NamedMember): string {
  if (memberId !== null && memberId !== undefined) return memberId;
  if (identity === null || identity === undefined) return '';
  const known = namesOf.get(identity);
  if (known !== undefined) return known;
  const value = normaliseIdentity(identity.kind, identity.value);
  const name = value === null ? '' : identityKeyOf({ kind: identity.kind, value });
  namesOf.set(identity, name);
  return name;
}

/** Finds the members whom activities name. */
export class MemberFinder {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** Looks all of them up at once. */
  async look({ tenantKey }: RequestContext, named: readonly NamedMember[]): Promise<NamedMembers> {
    const sql = this.#database.read(tenantKey);
    const keys = named.flatMap(({ memberId }) => fromPublicId('member', memberId ?? '') ?? []);
    const sought = named.flatMap(({ identity }) => {
      if (identity === null || identity === undefined) return [];
      const value = normaliseIdentity(identity.kind, identity.value);
      return value === null ? [] : [{ kind: identity.kind, value }];
    });
    const distinct = [...new Map(sought.map((one) => [identityKeyOf(one), one])).values()];
    const [byKey, byIdentity] = await Promise.all([
      createMemberLoaders(sql, tenantKey).member.loadMany([...new Set(keys)]),
      findByIdentities(sql, tenantKey, distinct),
    ]);
    const failure = byKey.find((one) => one instanceof Error);
    if (failure !== undefined) throw failure;
    const members = byKey.flatMap((one) => (one === null || one instanceof Error ? [] : [one]));
    return new NamedMembers(new Map(members.map((member) => [member.memberKey, member])), byIdentity);
  }

  /** As `NamedMembers.find`. */
  async find(ctx: RequestContext, named: NamedMember): Promise<Member | null> {
    return (await this.look(ctx, [named])).find(named);
  }

  /** The member, or whom they live on in. */
  async living(ctx: RequestContext, memberKey: string): Promise<Member | null> {
    const member = await this.byKey(ctx, memberKey);
    const successor = member?.mergedIntoKey ?? null;
    return successor === null ? member : await this.byKey(ctx, successor);
  }

  async byKey({ tenantKey }: RequestContext, memberKey: string): Promise<Member | null> {
    return await createMemberLoaders(this.#database.read(tenantKey), tenantKey).member.load(memberKey);
  }
}

/** Members who were looked up. */
export class NamedMembers {
  readonly #byKey: ReadonlyMap<string, Member>;
  readonly #byIdentity: ReadonlyMap<string, Member>;

  constructor(byKey: ReadonlyMap<string, Member>, byIdentity: ReadonlyMap<string, Member>) {
    this.#byKey = byKey;
    this.#byIdentity = byIdentity;
  }

  /** Who is named, whatever their status; null for who isn't known. */
  known(named: NamedMember): Member | null {
    const { memberId } = named;
    if (memberId === null || memberId === undefined) return this.#byIdentity.get(nameOf(named)) ?? null;
    return this.#byKey.get(fromPublicId('member', memberId) ?? '') ?? null;
  }

  /**
   * @returns null for an unknown identity that may be enrolled
   * @throws Refusal MEMBER_OR_IDENTITY, MEMBER_NOT_FOUND, MEMBER_NOT_ACTIVE, IDENTITY_INVALID
   */
  find(named: NamedMember): Member | null {
    const { memberId, identity, enrolIfUnknown } = named;
    const byId = memberId !== null && memberId !== undefined;
    const byIdentity = identity !== null && identity !== undefined;
    if (byId === byIdentity) throw refuse('MEMBER_OR_IDENTITY', ['memberId']);
    if (byIdentity && nameOf(named) === '')
      throw refuse('IDENTITY_INVALID', ['identity', 'value'], { kind: identity.kind });
    const member = this.known(named);
    if (member === null && byId) throw refuse('MEMBER_NOT_FOUND', ['memberId']);
    if (member === null && enrolIfUnknown !== true) throw refuse('MEMBER_NOT_FOUND', ['identity']);
    return member === null ? null : refuseInactive(member);
  }
}

function refuseInactive(member: Member): Member {
  if (member.status !== 'ACTIVE') throw refuse('MEMBER_NOT_ACTIVE', ['memberId'], { status: member.status });
  return member;
}
