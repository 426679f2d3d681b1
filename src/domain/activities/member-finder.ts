import { refuse } from '../../kernel/errors.ts';
import { fromPublicId } from '../../kernel/ids.ts';
import type { RequestContext } from '../../kernel/request-context.ts';
import type { Database } from '../../persistence/index.ts';
import { createMemberLoaders, findByIdentity, type Member, normaliseIdentity } from '../members/index.ts';
import type { RecordActivityInput } from './activity.inputs.ts';

type NamedMember = Pick<RecordActivityInput, 'memberId' | 'identity' | 'enrolIfUnknown'>;

/** Finds the member whom an activity names. */
export class MemberFinder {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /**
   * @returns null for an unknown identity that may be enrolled
   * @throws Refusal MEMBER_OR_IDENTITY, MEMBER_NOT_FOUND, MEMBER_NOT_ACTIVE, IDENTITY_INVALID
   */
  async find(
    ctx: RequestContext,
    { memberId, identity, enrolIfUnknown }: NamedMember,
  ): Promise<Member | null> {
    const byId = memberId !== null && memberId !== undefined;
    const byIdentity = identity !== null && identity !== undefined;
    if (byId === byIdentity) throw refuse('MEMBER_OR_IDENTITY', ['memberId']);
    if (byId) {
      const key = fromPublicId('member', memberId);
      const member = key === null ? null : await this.byKey(ctx, key);
      if (member === null) throw refuse('MEMBER_NOT_FOUND', ['memberId']);
      return refuseInactive(member);
    }
    if (!byIdentity) return null;
    const value = normaliseIdentity(identity.kind, identity.value);
    if (value === null) throw refuse('IDENTITY_INVALID', ['identity', 'value'], { kind: identity.kind });
    const sql = this.#database.read(ctx.tenantKey);
    const member = await findByIdentity(sql, ctx.tenantKey, { kind: identity.kind, value });
    if (member !== null) return refuseInactive(member);
    if (enrolIfUnknown !== true) throw refuse('MEMBER_NOT_FOUND', ['identity']);
    return null;
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

function refuseInactive(member: Member): Member {
  if (member.status !== 'ACTIVE') throw refuse('MEMBER_NOT_ACTIVE', ['memberId'], { status: member.status });
  return member;
}
