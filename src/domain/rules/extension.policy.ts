import type { Answer } from '../../extension/index.ts';
import { newKey } from '../../kernel/ids.ts';
import { type ExtensionPosting, toMoments } from '../ledgers/index.ts';
import type { PinnedProgram } from '../programs/index.ts';
import { limitsOfAssets, type Proposal, type ProposedCredit, type Replaced } from './rule.policy.ts';

/** What an extension answered, as far as it gives something. */
interface GivingAnswer extends Pick<Answer<unknown>, 'extension' | 'isFallback'> {
  readonly postings: readonly ExtensionPosting[];
  readonly replaces: Replaced;
}

/** An extension's answer, as a proposal among those of the rules. */
export function toProposal(
  { assets }: PinnedProgram,
  { extension: { name, version }, isFallback, replaces, postings }: GivingAnswer,
  memberKey: string,
): Proposal {
  const credits = postings.map(
    ({ asset, amount, reason, ...moments }): ProposedCredit => ({
      ...{ operationKey: newKey(), asset, amount: BigInt(amount), reason, isCut: false },
      ...{ ...toMoments(moments), availableAfter: null, availableOn: null },
    }),
  );
  return {
    rule: null,
    extension: { name, version, isFallback, replaces },
    miss: credits.length === 0 ? 'ZERO' : null,
    because: null,
    credits,
    limits: limitsOfAssets(credits, assets, memberKey),
  };
}

/**
 * What rules and extensions propose together: all of it, unless an extension puts its own in the place of
 * what the rules proposed.
 */
export function proposedTogether(
  ofRules: readonly Proposal[],
  ofExtensions: readonly Proposal[],
): readonly Proposal[] {
  const replacing = ofExtensions.flatMap(({ extension }) => extension ?? []);
  // Who drops everything explains it, whoever else drops a part.
  const whole = replacing.filter(({ replaces }) => replaces === true);
  const left = [...whole, ...replacing].reduce<readonly Proposal[]>(
    (proposals, { name, replaces }) => proposals.map((proposal) => without(proposal, replaces, name)),
    ofRules,
  );
  return [...left, ...ofExtensions];
}

/** A rule's proposal without what an extension takes the place of. */
function without(proposal: Proposal, replaces: Replaced, by: string): Proposal {
  const { miss, credits, limits, rule } = proposal;
  if (replaces === false || miss !== null) return proposal;
  const isLeft = (asset: string): boolean => replaces !== true && !replaces.includes(asset);
  const rest = credits.filter(({ asset }) => isLeft(asset));
  if (replaces !== true && rest.length === credits.length) return proposal;
  const hasOtherEffects = (rule?.grants.length ?? 0) > 0 || rule?.tags !== undefined;
  if (replaces === true || (rest.length === 0 && !hasOtherEffects)) {
    return { ...proposal, miss: 'REPLACED', because: by, credits: [], limits: [] };
  }
  const bounds = limits.filter(({ asset }) => asset === null || isLeft(asset));
  return { ...proposal, credits: rest, limits: bounds };
}
