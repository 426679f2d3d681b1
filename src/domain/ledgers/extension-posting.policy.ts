import type { Answer, Fault, PointsRuleOutput, PostingLimit } from '../../extension/index.ts';
import { newKey } from '../../kernel/ids.ts';
import { isStorable } from '../../kernel/text.ts';
import { type AssetDefinition, isExternal, type PinnedProgram } from '../programs/index.ts';
import { ExplanationOutcome } from './ledger.enums.types.ts';
import type { StoredExplanation } from './operation.entity.ts';
import { momentsOf, type Posting } from './posting.ts';

/** What an extension proposes to post. */
export type ExtensionPosting = PointsRuleOutput['postings'][number];

/** What postings are held against beside the program. */
interface PostingBounds {
  readonly now: Date;
  readonly occurredAt: Date | null;
  /** The only kind of assets that may be posted in; any when missing. */
  readonly kind?: AssetDefinition['kind'];
}

/**
 * Holds postings against the program and against what their extension may post; null where they may be made.
 * @param limits of the registration; null: as far as the assets' own go
 */
export function judgePostings(
  program: PinnedProgram,
  postings: readonly ExtensionPosting[],
  limits: readonly PostingLimit[] | null,
  { kind, ...moments }: PostingBounds,
): Fault | null {
  const seen = new Set<string>();
  for (const posting of postings) {
    const { asset } = posting;
    const definition = program.assets.get(asset);
    if (definition === undefined) return { code: 'OUTPUT_ASSET_UNKNOWN', details: { asset } };
    if (kind !== undefined && definition.kind !== kind) {
      return { code: 'OUTPUT_ASSET_OF_OTHER_KIND', details: { asset, kind } };
    }
    if (seen.has(asset)) return { code: 'OUTPUT_ASSET_TWICE', details: { asset } };
    seen.add(asset);
    const own = definition.limits?.earn?.perOperation;
    const allowed = limits === null ? null : (limits.find((limit) => limit.asset === asset)?.most ?? 0n);
    const most = own === undefined ? allowed : smaller(BigInt(own), allowed);
    if (most !== null && BigInt(posting.amount) > most) {
      return { code: 'OUTPUT_ABOVE_LIMIT', details: { asset, most: String(most) } };
    }
    if (!isUsable(program, posting, moments)) return { code: 'OUTPUT_MOMENTS_INVALID', details: { asset } };
  }
  return isStorable(postings) ? null : { code: 'OUTPUT_TEXT_INVALID', details: {} };
}

function smaller(a: bigint, b: bigint | null): bigint {
  return b === null || a < b ? a : b;
}

/** Whether the moments that a posting names leave a time to spend it; its asset's are the program's matter. */
function isUsable(
  program: PinnedProgram,
  { asset, ...posting }: ExtensionPosting,
  { now, occurredAt }: { readonly now: Date; readonly occurredAt: Date | null },
): boolean {
  const { availableAt, expiresAt } = toMoments(posting);
  if (availableAt === null && expiresAt === null) return true;
  // Where another system keeps the record, that decides.
  const definition = program.assets.get(asset);
  if (definition !== undefined && isExternal(definition)) return false;
  if (expiresAt !== null && expiresAt <= now) return false;
  const settled = momentsOf({ kind: 'EARN', asset, occurredAt, availableAt, expiresAt }, program, now);
  return settled.expiresAt === null || settled.expiresAt > settled.availableAt;
}

/** The moments that a posting names; as its asset says where it names none. */
export function toMoments({ availableAt, expiresAt }: Pick<ExtensionPosting, 'availableAt' | 'expiresAt'>): {
  availableAt: Date | null;
  expiresAt: Date | null;
} {
  return {
    availableAt: availableAt === undefined ? null : new Date(availableAt),
    expiresAt: expiresAt === undefined ? null : new Date(expiresAt),
  };
}

/** What an extension gives on top of an act, explained by it; it gives way to the asset's limit a day. */
export function givenOnTop(
  program: PinnedProgram,
  act: Posting,
  answer: Pick<Answer<unknown>, 'extension' | 'isFallback'>,
  { asset, amount, reason, ...moments }: ExtensionPosting,
): Posting {
  return {
    ...{ operationKey: newKey(), kind: 'EARN', memberKey: act.memberKey, asset, amount: BigInt(amount) },
    ...{ reason, reference: act.reference, occurredAt: null, activityKey: null, ...toMoments(moments) },
    ...{ explanation: explanationOf(program, answer, asset, amount), givesWay: true },
  };
}

function explanationOf(
  { assets }: PinnedProgram,
  { extension: { name, version }, isFallback }: Pick<Answer<unknown>, 'extension' | 'isFallback'>,
  asset: string,
  amount: string,
): StoredExplanation {
  const nameIn = (language: 'en' | 'zh-CN'): string => assets.get(asset)?.name[language] ?? asset;
  return {
    rule: null,
    extension: { name, version },
    outcome: isFallback ? ExplanationOutcome.FALLBACK : ExplanationOutcome.APPLIED,
    summary: {
      en: `${name}: +${amount} ${nameIn('en')}`,
      'zh-CN': `${name}：+${amount} ${nameIn('zh-CN')}`,
    },
  };
}
