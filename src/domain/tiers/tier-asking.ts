import { tierSet } from '../../extension/index.ts';
import { refuse } from '../../kernel/errors.ts';
import { toPublicId } from '../../kernel/ids.ts';
import { refuseWhereRefused, toFacts, toldMember } from '../expressions/index.ts';
import { type AskingParts, findAskedMember } from '../ledgers/index.ts';
import type { PinnedProgram } from '../programs/index.ts';
import { type Ladder, rankOf, tierAt } from './ladder.policy.ts';
import { findStandings } from './standing.repository.ts';
import type { SetTierInput } from './tier.inputs.ts';

/** A tier that is to be given by hand. */
export interface AskedTierChange {
  readonly memberKey: string;
  readonly ladder: Ladder;
  readonly rank: number;
}

/**
 * Asks `tier.set`, with no transaction open; answers the rank of the tier that they get. Nothing is looked up
 * where nobody answers.
 * @throws Refusal EXTENSION_REFUSED, EXTENSION_UNAVAILABLE, and where somebody is asked MEMBER_NOT_FOUND and
 *   UNTIL_NOT_AHEAD
 */
export async function askForRank(
  { database, asker, tiersOf }: AskingParts,
  tenantKey: string,
  program: PinnedProgram,
  { memberKey, ladder, rank }: AskedTierChange,
  input: SetTierInput,
): Promise<number> {
  const answerers = await asker.find(tenantKey, tierSet);
  if (answerers === null) return rank;
  const { timeZone } = program.definition;
  const sql = database.read(tenantKey);
  const [asked, tiers, [standing]] = await Promise.all([
    findAskedMember(sql, tenantKey, memberKey),
    tiersOf(tenantKey, program, [memberKey]),
    findStandings(sql, tenantKey, { ladder, timeZone }, [memberKey]),
  ]);
  if (asked === null) throw refuse('MEMBER_NOT_FOUND', ['memberId']);
  const { now, ...member } = asked;
  const until = input.until ?? null;
  if (until !== null && until <= now) throw refuse('UNTIL_NOT_AHEAD', ['until']);
  const tier = tiers.get(memberKey) ?? null;
  const publicId = toPublicId('member', memberKey);
  const told = {
    member: toldMember(member, publicId, tier),
    ...{ ladder: ladder.code, from: standing?.tier ?? null, to: tierAt(ladder, rank) ?? input.tier },
    ...{ until: until?.toISOString() ?? null, reason: input.reason },
  };
  const answers = await answerers.ask(told, {
    mode: input.dryRun === true ? 'DRY_RUN' : 'LIVE',
    ...{ idempotencyKey: input.idempotencyKey, subject: publicId, now },
    facts: () => toFacts({ member, publicId, happening: HAPPENING, tier }, now, timeZone),
    enough: ({ decision }) => decision === 'REFUSE',
    judge: ({ tier: named }) =>
      named === undefined || rankOf(ladder, named) !== null
        ? null
        : { code: 'OUTPUT_TIER_NOT_OF_LADDER', details: { ladder: ladder.code, tier: named } },
  });
  refuseWhereRefused(answers);
  return answers.reduce((last, { output }) => rankOf(ladder, output.tier ?? '') ?? last, rank);
}

/** What filters see. */
const HAPPENING = {
  ...{ trigger: 'tier_set', amount: null, occurredAt: null, channel: null, store: null },
  ...{ orderNumber: null, lines: [] },
};
