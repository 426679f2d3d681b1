import { tierEvaluate } from '../../extension/index.ts';
import { toPublicId } from '../../kernel/ids.ts';
import { isStorable } from '../../kernel/text.ts';
import { toFacts, toldMember } from '../expressions/index.ts';
import { type AskingParts, type ExtensionReference, findAskedMember } from '../ledgers/index.ts';
import { fromMetricUnits, type PinnedProgram } from '../programs/index.ts';
import { isBase, type Ladder, rankOf } from './ladder.policy.ts';
import type { StandingRow } from './standing.repository.ts';
import type { DueTier } from './tier-due.repository.ts';
import { isOpen, type OwnDecision } from './tier-evaluation.policy.ts';

/** What is asked about: a member in a ladder, and what the program itself would do. */
export interface AskedTierOf {
  readonly due: DueTier;
  readonly ladder: Ladder;
  readonly standing: StandingRow;
  readonly own: OwnDecision;
}

/** What was answered. */
export interface TierAnswer {
  /** Undefined where nobody said, and the program decides. */
  readonly tier: string | null | undefined;
  readonly reason: string | null;
  /** The one that said so. */
  readonly extension: ExtensionReference | null;
  /** There is nobody whose tier it is: they live on in another member. */
  readonly isGone: boolean;
}

const NOBODY: TierAnswer = { tier: undefined, reason: null, extension: null, isGone: false };

/**
 * Asks `tier.evaluate`, with no transaction open.
 * @throws Refusal EXTENSION_UNAVAILABLE
 */
export async function askForTier(
  { database, asker, tiersOf }: AskingParts,
  tenantKey: string,
  program: PinnedProgram,
  { due, ladder, standing, own, mode }: AskedTierOf & { readonly mode: 'LIVE' | 'DRY_RUN' },
): Promise<TierAnswer> {
  const { memberKey, markKey, cause } = due;
  const [answerers, asked, tiers] = await Promise.all([
    ladder.isEvaluated && isOpen(standing) ? asker.find(tenantKey, tierEvaluate) : null,
    findAskedMember(database.read(tenantKey), tenantKey, memberKey),
    tiersOf(tenantKey, program, [memberKey]),
  ]);
  if (asked?.status === 'MERGED') return { ...NOBODY, isGone: true };
  if (answerers === null || asked === null || asked.status !== 'ACTIVE') return NOBODY;
  const { now, ...member } = asked;
  const { timeZone, currency } = program.definition;
  const tier = tiers.get(memberKey) ?? null;
  const publicId = toPublicId('member', memberKey);
  const amount = (units: bigint): string => fromMetricUnits(ladder.metric, units, currency);
  const told = {
    member: toldMember(member, publicId, tier),
    ...{ ladder: ladder.code, cause, tier: standing.tier, since: standing.since.toISOString() },
    ...{ proposed: own.next.tier, metric: ladder.definition.metric },
    ...{ current: amount(standing.current), previous: amount(standing.previous) },
  };
  const answers = await answerers.ask(told, {
    ...{ mode, idempotencyKey: `tier-evaluation:${markKey}`, subject: publicId, now },
    facts: () => toFacts({ member, publicId, happening: HAPPENING, tier }, now, timeZone),
    enough: ({ tier: said }) => said !== undefined,
    judge: (output) => {
      if (!isStorable(output)) return { code: 'OUTPUT_TEXT_INVALID', details: {} };
      if (output.tier === undefined || mayHold(ladder, output.tier)) return null;
      const details = { ladder: ladder.code, tier: output.tier ?? 'null' };
      return { code: 'OUTPUT_TIER_NOT_OF_LADDER', details };
    },
  });
  const answer = answers.find(({ output }) => output.tier !== undefined);
  if (answer === undefined) return NOBODY;
  const { tier: said, reason = null } = answer.output;
  return { tier: said, reason, extension: answer.extension, isGone: false };
}

/** None only where the lowest isn't for everybody. */
function mayHold(ladder: Ladder, tier: string | null): boolean {
  const [lowest] = ladder.steps;
  if (tier === null) return lowest === undefined || !isBase(lowest);
  return rankOf(ladder, tier) !== null;
}

/** What filters see. */
const HAPPENING = {
  ...{ trigger: 'tier_evaluate', amount: null, occurredAt: null, channel: null, store: null },
  ...{ orderNumber: null, lines: [] },
};
