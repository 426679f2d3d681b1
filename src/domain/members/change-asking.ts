import { type Asker, memberUpdate } from '../../extension/index.ts';
import { refuse } from '../../kernel/errors.ts';
import { toPublicId } from '../../kernel/ids.ts';
import type { Database } from '../../persistence/index.ts';
import {
  type AskedTier,
  type ExpressionFacts,
  refuseWhereRefused,
  toFacts,
  toldMember,
} from '../expressions/index.ts';
import type { PinnedProgram } from '../programs/index.ts';
import type { AskedChange } from './asked-change.policy.ts';
import { type Member, MemberStatus } from './member.entity.ts';
import { businessNow, createMemberLoaders } from './member.repository.ts';
import { type Additions, judgeAddition } from './member-addition.policy.ts';

export interface ChangeAskingParts {
  readonly asker: Asker<ExpressionFacts>;
  readonly database: Database;
  /** The members' tiers in the primary ladder. */
  readonly tiersOf: (
    tenantKey: string,
    program: PinnedProgram,
    memberKeys: readonly string[],
  ) => Promise<Map<string, AskedTier | null>>;
}

/** What somebody asks to be changed. */
export interface ChangeRequest {
  readonly memberKey: string;
  readonly idempotencyKey: string;
  readonly dryRun?: boolean | null;
  /** Refuses what would be refused anyway, before anybody is asked. */
  read(before: Member, now: Date): AskedChange;
}

/**
 * What extensions add to a change, with no transaction open; nothing is looked up where nobody answers.
 * @throws Refusal EXTENSION_REFUSED, EXTENSION_UNAVAILABLE, and where somebody is asked MEMBER_NOT_FOUND,
 *   MEMBER_NOT_ACTIVE and what `read` throws
 */
export async function askAboutChange(
  { asker, database, tiersOf }: ChangeAskingParts,
  tenantKey: string,
  program: PinnedProgram,
  request: ChangeRequest,
): Promise<Additions> {
  const answerers = await asker.find(tenantKey, memberUpdate);
  if (answerers === null) return [];
  const { memberKey, idempotencyKey, dryRun } = request;
  const sql = database.read(tenantKey);
  const [member, now, tiers] = await Promise.all([
    createMemberLoaders(sql, tenantKey).member.load(memberKey),
    businessNow(sql, tenantKey),
    tiersOf(tenantKey, program, [memberKey]),
  ]);
  if (member === null) throw refuse('MEMBER_NOT_FOUND', ['memberId']);
  refuseGone(member);
  const { timeZone } = program.definition;
  const { after, change } = request.read(member, now);
  const tier = tiers.get(memberKey) ?? null;
  const publicId = toPublicId('member', memberKey);
  const told = { member: toldMember(member, publicId, tier), change };
  const answers = await answerers.ask(told, {
    mode: dryRun === true ? 'DRY_RUN' : 'LIVE',
    ...{ idempotencyKey, subject: publicId, now },
    facts: () => toFacts({ member, publicId, happening: HAPPENING, tier }, now, timeZone),
    enough: ({ decision }) => decision === 'REFUSE',
    judge: (output) => judgeAddition(after, output, { now, timeZone }),
  });
  refuseWhereRefused(answers);
  return answers;
}

/** What filters see. */
const HAPPENING = {
  ...{ trigger: 'member_update', amount: null, occurredAt: null, channel: null, store: null },
  ...{ orderNumber: null, lines: [] },
};

/** @throws Refusal MEMBER_NOT_ACTIVE for who lives on elsewhere, or nowhere */
export function refuseGone({ status }: Member): void {
  if (status === MemberStatus.MERGED || status === MemberStatus.ERASED) {
    throw refuse('MEMBER_NOT_ACTIVE', ['memberId'], { status });
  }
}
