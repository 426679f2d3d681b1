import { newKey } from '../../kernel/ids.ts';
import type { Transaction } from '../../persistence/index.ts';
import type { GrantWriter, WantedGrant } from '../benefits/index.ts';
import type { Posting, StoredExplanation } from '../ledgers/index.ts';
import { claimLimits, countLimits } from '../limits/index.ts';
import type { PinnedProgram } from '../programs/index.ts';
import { decide, explain, type RuleDecision, withRefusedGrants } from './decision.policy.ts';
import type { RuleProposal } from './rule.policy.ts';

/** What rules were asked about. */
export interface Occasion {
  readonly memberKey: string;
  /** The activity type. */
  readonly trigger: string;
  /** The activity that it is kept as; null for an enrolment, which is none. */
  readonly activityKey: string | null;
  readonly occurredAt: Date | null;
  readonly orderNumber: string | null;
}

/** What rules came to, ready to be written. */
export interface RuleResults {
  readonly decisions: readonly RuleDecision[];
  readonly postings: readonly Posting[];
  /** One for every rule asked, also for those that gave nothing. */
  readonly explanations: readonly StoredExplanation[];
  readonly tags: { readonly add: readonly string[]; readonly remove: readonly string[] };
}

export interface EffectContext {
  readonly tenantKey: string;
  readonly program: PinnedProgram;
  readonly facts: Promise<{ readonly now: Date }>;
}

/** Turns proposals into decisions within the transaction that writes what they give. */
export class RuleEffects {
  readonly #grants: GrantWriter;

  constructor(grants: GrantWriter) {
    this.#grants = grants;
  }

  /**
   * Decides what the rules give. Limits are locked and counted, and benefits granted, in this transaction;
   * where no rule has a limit or grants anything, it answers at once and nothing is asked of the database.
   */
  settle(
    tx: Transaction,
    context: EffectContext,
    proposals: readonly RuleProposal[],
    occasion: Occasion,
  ): RuleResults | Promise<RuleResults> {
    const isPlain = proposals.every(({ limits, rule, miss }) => {
      return limits.length === 0 && (miss !== null || rule.grants.length === 0);
    });
    if (!isPlain) return this.#settle(tx, context, proposals, occasion);
    return toResults(context.program, decide(proposals, []).decisions, occasion);
  }

  async #settle(
    tx: Transaction,
    { tenantKey, program, facts }: EffectContext,
    proposals: readonly RuleProposal[],
    occasion: Occasion,
  ): Promise<RuleResults> {
    const { now } = await facts;
    const limits = proposals.flatMap((proposal) => proposal.limits);
    const claimed = await claimLimits(tx, tenantKey, limits, {
      moment: occasion.occurredAt ?? now,
      timeZone: program.definition.timeZone,
    });
    const { decisions, taken } = decide(proposals, claimed);
    const [granted] = await Promise.all([
      this.#grant(tx, { tenantKey, program, now }, decisions, occasion),
      countLimits(tx, tenantKey, taken),
    ]);
    return toResults(program, granted, occasion);
  }

  async #grant(
    tx: Transaction,
    context: { readonly tenantKey: string; readonly program: PinnedProgram; readonly now: Date },
    decisions: readonly RuleDecision[],
    { memberKey, trigger, activityKey }: Occasion,
  ): Promise<readonly RuleDecision[]> {
    const wanted = decisions.flatMap(({ rule, applies }): WantedGrant[] =>
      (applies ? rule.grants : []).map((benefit) => {
        const own = { grantKey: newKey(), source: 'RULE' as const, grantedBy: null };
        return { ...own, memberKey, benefit, reason: trigger, rule: rule.code, activityKey };
      }),
    );
    if (wanted.length === 0) return decisions;
    const { refused } = await this.#grants.grant(tx, context, wanted);
    const missing = new Set(refused.map(({ grantKey }) => grantKey));
    return decisions.map((decision) => {
      const own = wanted.filter(({ rule }) => rule === decision.rule.code);
      const some = own.some(({ grantKey }) => !missing.has(grantKey));
      return own.some(({ grantKey }) => missing.has(grantKey)) ? withRefusedGrants(decision, some) : decision;
    });
  }
}

function toResults(
  program: PinnedProgram,
  decisions: readonly RuleDecision[],
  occasion: Occasion,
): RuleResults {
  const applied = decisions.filter(({ applies }) => applies);
  return {
    decisions,
    postings: decisions.flatMap((decision) => postingsOf(program, decision, occasion)),
    explanations: decisions.map((decision) => explain(program, decision, decision.credits)),
    tags: {
      add: applied.flatMap(({ rule }) => rule.tags?.add ?? []),
      remove: applied.flatMap(({ rule }) => rule.tags?.remove ?? []),
    },
  };
}

function postingsOf(program: PinnedProgram, decision: RuleDecision, occasion: Occasion): Posting[] {
  const { memberKey, trigger, activityKey, occurredAt, orderNumber } = occasion;
  return decision.credits.map((credit): Posting => {
    return {
      operationKey: credit.operationKey,
      kind: 'EARN',
      memberKey,
      asset: credit.asset,
      amount: credit.amount,
      occurredAt,
      availableAfter: credit.availableAfter,
      availableOn: credit.availableOn,
      isCounted: true,
      reason: trigger,
      reference: orderNumber === null ? null : { type: 'order', id: orderNumber },
      explanation: explain(program, decision, [credit]),
      activityKey,
    };
  });
}

/** What is kept of proposals under a request's key: which operations they become, or may become. */
export interface StoredOperations {
  readonly operations: readonly string[];
  /** Those of rules with limits: they are there if the limits left something. */
  readonly possible?: readonly string[];
}

export function storedOperations(proposals: readonly RuleProposal[]): StoredOperations {
  const isLimited = ({ limits, rule }: RuleProposal): boolean => {
    return limits.length > 0 || rule.exclusive !== undefined;
  };
  const keysOf = (some: readonly RuleProposal[]): string[] =>
    some.flatMap(({ credits }) => credits.map(({ operationKey }) => operationKey));
  return {
    operations: keysOf(proposals.filter((proposal) => !isLimited(proposal))),
    possible: keysOf(proposals.filter(isLimited)),
  };
}

/** The operations of a stored result, in the order in which they were made. */
export function operationKeysOf({ operations, possible = [] }: StoredOperations): string[] {
  return [...operations, ...possible].sort();
}
