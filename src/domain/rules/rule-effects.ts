import { newKey } from '../../kernel/ids.ts';
import type { Transaction } from '../../persistence/index.ts';
import type { GrantWriter, WantedGrant } from '../benefits/index.ts';
import type { Posting, StoredExplanation } from '../ledgers/index.ts';
import { type ClaimedLimit, claimLimitsOfMany, countLimits } from '../limits/index.ts';
import type { PinnedProgram } from '../programs/index.ts';
import { type Decision, decide, explain, withRefusedGrants } from './decision.policy.ts';
import type { Proposal } from './rule.policy.ts';

/** What rules and extensions were asked about. */
export interface Occasion {
  readonly memberKey: string;
  /** The activity type. */
  readonly trigger: string;
  /** The activity that it is kept as; null for an enrolment, which is none. */
  readonly activityKey: string | null;
  readonly occurredAt: Date | null;
  readonly orderNumber: string | null;
  /** What it is done together with, if that is not its own activity. */
  readonly act?: string;
}

/** What rules and extensions proposed about an occasion. */
export interface AnsweredOccasion {
  readonly occasion: Occasion;
  readonly proposals: readonly Proposal[];
}

/** What proposals came to, ready to be written. */
export interface RuleResults {
  readonly decisions: readonly Decision[];
  readonly postings: readonly Posting[];
  /** One for every rule and extension asked, also for those that gave nothing. */
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
   * Decides what is given on each occasion, in the order of the proposals: what one takes of a limit, the
   * next doesn't find. Limits are locked and counted, and benefits granted, in this transaction; where no
   * proposal has a limit or grants anything, it answers at once and nothing is asked of the database.
   */
  settle(
    tx: Transaction,
    context: EffectContext,
    asked: readonly AnsweredOccasion[],
  ): RuleResults[] | Promise<RuleResults[]> {
    const isPlain = asked.every(({ proposals }) =>
      proposals.every(({ limits, rule, miss }) => {
        return limits.length === 0 && (miss !== null || grantsOf(rule).length === 0);
      }),
    );
    if (!isPlain) return this.#settle(tx, context, asked);
    return asked.map(({ proposals, occasion }) =>
      toResults(context.program, decide(proposals, []).decisions, occasion),
    );
  }

  async #settle(
    tx: Transaction,
    { tenantKey, program, facts }: EffectContext,
    asked: readonly AnsweredOccasion[],
  ): Promise<RuleResults[]> {
    const { now } = await facts;
    const bounds = asked.map(({ proposals, occasion }) => ({
      limits: proposals.flatMap(({ limits }) => limits),
      moment: occasion.occurredAt ?? now,
    }));
    const claimed = await claimLimitsOfMany(tx, tenantKey, bounds, program.definition.timeZone);
    const counted = new Map<ClaimedLimit, bigint>();
    const decided = asked.map(({ proposals, occasion }, index): Decided => {
      const { decisions, taken } = decide(proposals, claimed[index] ?? []);
      for (const { limit, amount } of taken) {
        limit.used += amount;
        counted.set(limit, (counted.get(limit) ?? 0n) + amount);
      }
      return { occasion, decisions };
    });
    const [granted] = await Promise.all([
      this.#grant(tx, { tenantKey, program, now }, decided),
      countLimits(
        tx,
        tenantKey,
        [...counted].map(([limit, amount]) => ({ limit, amount })),
      ),
    ]);
    return granted.map(({ decisions, occasion }) => toResults(program, decisions, occasion));
  }

  async #grant(
    tx: Transaction,
    context: { readonly tenantKey: string; readonly program: PinnedProgram; readonly now: Date },
    decided: readonly Decided[],
  ): Promise<readonly Decided[]> {
    const wantedOf = new Map(decided.map((one) => [one, wantedGrants(one)]));
    const wanted = [...wantedOf.values()].flat();
    if (wanted.length === 0) return decided;
    const { refused } = await this.#grants.grant(tx, context, wanted);
    const missing = new Set(refused.map(({ grantKey }) => grantKey));
    return decided.map((one) => {
      const decisions = one.decisions.map((decision) => {
        const own = (wantedOf.get(one) ?? []).filter(({ rule }) => rule === decision.rule?.code);
        const some = own.some(({ grantKey }) => !missing.has(grantKey));
        const isShort = own.some(({ grantKey }) => missing.has(grantKey));
        return isShort ? withRefusedGrants(decision, some) : decision;
      });
      return { ...one, decisions };
    });
  }
}

/** An occasion with what was decided on it. */
interface Decided {
  readonly occasion: Occasion;
  readonly decisions: readonly Decision[];
}

function wantedGrants({ decisions, occasion: { memberKey, trigger, activityKey } }: Decided): WantedGrant[] {
  return decisions.flatMap(({ rule, applies }): WantedGrant[] =>
    (applies ? grantsOf(rule) : []).map((benefit) => {
      const own = { grantKey: newKey(), source: 'RULE' as const, grantedBy: null };
      return { ...own, memberKey, benefit, reason: trigger, rule: rule?.code ?? null, activityKey };
    }),
  );
}

/** Benefits that a rule grants; an extension grants none. */
function grantsOf(rule: Proposal['rule']): readonly string[] {
  return rule?.grants ?? [];
}

/** Goes on at once with what is known, and with what isn't as soon as it is. */
export function whenKnown<Known, Result>(
  value: Known | Promise<Known>,
  goOn: (known: Known) => Result | Promise<Result>,
): Result | Promise<Result> {
  return value instanceof Promise ? value.then(goOn) : goOn(value);
}

function toResults(program: PinnedProgram, decisions: readonly Decision[], occasion: Occasion): RuleResults {
  const applied = decisions.filter(({ applies }) => applies);
  const explanations = decisions.map((decision) => explain(program, decision, decision.credits));
  return {
    decisions,
    postings: decisions.flatMap((decision, index) =>
      postingsOf(program, decision, occasion, explanations[index] ?? null),
    ),
    explanations,
    tags: {
      add: applied.flatMap(({ rule }) => rule?.tags?.add ?? []),
      remove: applied.flatMap(({ rule }) => rule?.tags?.remove ?? []),
    },
  };
}

/** @param whole why the decision was made: what gives one credit says that of the credit, too */
function postingsOf(
  program: PinnedProgram,
  decision: Decision,
  occasion: Occasion,
  whole: StoredExplanation | null,
): Posting[] {
  const { memberKey, trigger, activityKey, occurredAt, orderNumber, act } = occasion;
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
      availableAt: credit.availableAt,
      expiresAt: credit.expiresAt,
      isCounted: true,
      reason: credit.reason ?? trigger,
      reference: orderNumber === null ? null : { type: 'order', id: orderNumber },
      explanation: decision.credits.length === 1 ? whole : explain(program, decision, [credit]),
      activityKey,
      act,
    };
  });
}

/** What is kept of proposals under a request's key: which operations they become, or may become. */
export interface StoredOperations {
  readonly operations: readonly string[];
  /** Those with limits: they are there if the limits left something. Missing in what older releases kept. */
  readonly possible?: readonly string[];
}

export function storedOperations(proposals: readonly Proposal[]): Required<StoredOperations> {
  const isLimited = ({ limits, rule }: Proposal): boolean => {
    return limits.length > 0 || rule?.exclusive !== undefined;
  };
  const keysOf = (some: readonly Proposal[]): string[] =>
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
