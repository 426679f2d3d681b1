import { newKey } from '../../kernel/ids.ts';
import { isInRange } from '../../kernel/points.ts';
import { type ExpressionFacts, type ExpressionScope, scopeOf } from '../expressions/index.ts';
import type { ExtensionReference } from '../ledgers/index.ts';
import type { Limit } from '../limits/index.ts';
import { dailyLimit, type PinnedProgram, type RuleDefinition } from '../programs/index.ts';
import { type CompiledPosting, type CompiledRule, rulesFor } from './compiled-rules.ts';

/** What is proposed in one asset. */
export interface ProposedCredit {
  /** Made here, so that the result of a request is known before it is written. */
  readonly operationKey: string;
  readonly asset: string;
  readonly amount: bigint;
  /** Why, as the operation's reason; the activity type when null. */
  readonly reason: string | null;
  readonly availableAfter: string | null;
  /** The activity type that makes it due sooner. */
  readonly availableOn: string | null;
  /** As the asset says when null. */
  readonly availableAt: Date | null;
  readonly expiresAt: Date | null;
  /** Whether it is less than the rule says, because the asset's operations are bounded. */
  readonly isCut: boolean;
}

/** Why nothing is given, whatever limits leave. */
export type Miss = 'CONDITION' | 'ZERO' | 'FAILED' | 'REPLACED';

/** Whether what the program's rules proposed is dropped: all of it, or what they give in these assets. */
export type Replaced = boolean | readonly string[];

/** An extension that answered, as far as explanations tell about it. */
export interface AnsweredExtension extends ExtensionReference {
  /** Whether it failed, and this is what it declared for that case. */
  readonly isFallback: boolean;
  readonly replaces: Replaced;
}

/** Who proposes: a rule of the program, or an extension that was asked. */
export type Proposer =
  | { readonly rule: RuleDefinition; readonly extension: null }
  | { readonly rule: null; readonly extension: AnsweredExtension };

/** What a rule or an extension would give, before limits are known. */
export type Proposal = Proposer & {
  /** Null where it would give something. */
  readonly miss: Miss | null;
  /** FAILED: what an expression could not work out; REPLACED: the extension's name. */
  readonly because: string | null;
  readonly credits: readonly ProposedCredit[];
  /** Empty where it misses. */
  readonly limits: readonly ProposedLimit[];
};

/** A limit of a proposal; `asset` is null for `once`, which counts occasions. */
export interface ProposedLimit extends Limit {
  readonly asset: string | null;
}

/** What rules are asked about. */
export interface Question {
  /** The activity type: `enrolment`, `purchase`… */
  readonly trigger: string;
  /** In minor units; null where it is about no money. */
  readonly amount: bigint | null;
  readonly memberKey: string;
  /** What expressions look at; worked out only where rules have any. */
  facts(): ExpressionFacts;
}

/**
 * Asks every rule of the program that answers to what happened, in their order. Pure: no clock, no data, no
 * I/O; a rule doesn't see what another one gives.
 */
export function askRules({ definition, assets }: PinnedProgram, question: Question): Proposal[] {
  const { rules, hasExpressions } = rulesFor(definition, question.trigger);
  const scope = hasExpressions ? scopeOf(question.facts()) : null;
  const asked = { amount: question.amount ?? 0n, scope, assets };
  return rules.map((rule) => askRule(rule, asked, question.memberKey));
}

interface Asked {
  readonly amount: bigint;
  /** Null where no rule has an expression. */
  readonly scope: ExpressionScope | null;
  readonly assets: PinnedProgram['assets'];
}

function askRule(compiled: CompiledRule, asked: Asked, memberKey: string): Proposal {
  const rule = compiled.definition;
  const missed = (miss: Miss, because: string | null = null): Proposal => {
    return { rule, extension: null, miss, because, credits: [], limits: [] };
  };
  if (compiled.when !== null && asked.scope !== null) {
    const matches = compiled.when.evaluate(asked.scope);
    if ('failure' in matches) return missed('FAILED', matches.failure);
    if (!matches.value) return missed('CONDITION');
  }
  const credits: ProposedCredit[] = [];
  for (const posting of compiled.postings) {
    const amount = amountOf(posting, rule.rounding, asked);
    if ('failure' in amount) return missed('FAILED', amount.failure);
    if (amount.value <= 0n) continue;
    const { asset, availableAfter = null, availableOn = null } = posting.definition;
    const most = asked.assets.get(asset)?.limits?.earn?.perOperation;
    const isCut = most !== undefined && amount.value > BigInt(most);
    const given = isCut ? BigInt(most) : amount.value;
    const moments = { availableAfter, availableOn, availableAt: null, expiresAt: null };
    credits.push({ operationKey: newKey(), asset, amount: given, reason: null, ...moments, isCut });
  }
  const hasOtherEffects = rule.grants.length > 0 || rule.tags !== undefined;
  if (credits.length === 0 && !hasOtherEffects) return missed('ZERO');
  const limits = limitsOf(rule, credits, asked, memberKey);
  return { rule, extension: null, miss: null, because: null, credits, limits };
}

type Amount = { readonly value: bigint } | { readonly failure: string };

function amountOf({ amount }: CompiledPosting, rounding: string, asked: Asked): Amount {
  if ('fixed' in amount) return { value: amount.fixed };
  if ('expression' in amount) {
    return asked.scope === null ? { value: 0n } : amount.expression.evaluate(asked.scope);
  }
  if (asked.amount <= 0n) return { value: 0n };
  const value = units(asked.amount, amount.each, rounding) * amount.gives;
  return isInRange(value) ? { value } : { failure: 'The amount leaves the range of 64 bits.' };
}

/** How many `each` an amount has: the full ones, the begun ones, or to the nearest. */
function units(amount: bigint, each: bigint, rounding: string): bigint {
  if (rounding === 'UP') return (amount + each - 1n) / each;
  return rounding === 'HALF_UP' ? (2n * amount + each) / (2n * each) : amount / each;
}

/**
 * The counters of a rule: one for `once`, one for each cap, kept by the rule's code across versions; and those
 * of its assets, which all rules share.
 */
function limitsOf(
  { code, once, caps }: RuleDefinition,
  credits: readonly ProposedCredit[],
  { assets }: Asked,
  memberKey: string,
): ProposedLimit[] {
  const ofRule = caps.map(({ asset, per, window, most }): ProposedLimit => {
    const subject = `rule:${code}:${asset}:${per}:${window}`;
    return { subject, memberKey: per === 'member' ? memberKey : null, window, most: BigInt(most), asset };
  });
  const limits = [...ofRule, ...limitsOfAssets(credits, assets, memberKey)];
  if (once === undefined) return limits;
  const subject = `rule:${code}:once:${once.window}`;
  return [{ subject, memberKey, window: once.window, most: 1n, asset: null }, ...limits];
}

/** The counters of what is credited: what each asset allows a member in a day. */
export function limitsOfAssets(
  credits: readonly ProposedCredit[],
  assets: PinnedProgram['assets'],
  memberKey: string,
): ProposedLimit[] {
  return [...new Set(credits.map(({ asset }) => asset))].flatMap((asset): ProposedLimit[] => {
    const definition = assets.get(asset);
    const limit = definition === undefined ? null : dailyLimit(definition, 'earn', memberKey);
    return limit === null ? [] : [{ ...limit, asset }];
  });
}
