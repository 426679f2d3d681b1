import { emitEvents } from '../../events/index.ts';
import type { Transaction } from '../../persistence/index.ts';
import { claimLimits, countLimits } from '../limits/index.ts';
import type { BenefitDefinition, PinnedProgram } from '../programs/index.ts';
import { type Grant, GrantSource } from './grant.entity.ts';
import {
  allot,
  distinct,
  grantLimits,
  nextMoment,
  revoked,
  type Shortage,
  statusAt,
  stockOf,
  type Taken,
  validityOf,
  withoutStock,
} from './grant.policy.ts';
import {
  findUnusedOfActivity,
  insertNew,
  lockByKeys,
  ofGrant,
  type StoredGrant,
  update,
} from './grant.repository.ts';

/** A benefit that somebody is to be granted by a rule or by hand. */
export interface WantedGrant {
  /** Made by whoever wants it, so that the result of a request is known before it is written. */
  readonly grantKey: string;
  readonly memberKey: string;
  /** The benefit's code. */
  readonly benefit: string;
  readonly source: `${Exclude<GrantSource, GrantSource.TIER>}`;
  readonly reason: string | null;
  /** The rule's code; null when no rule grants it. */
  readonly rule: string | null;
  readonly activityKey: string | null;
  /** Who grants it by hand. */
  readonly grantedBy: string | null;
  /** From when it is valid; now when missing. */
  readonly validFrom?: Date | null;
  /** Until when it is valid; as the benefit says when missing. */
  readonly validUntil?: Date | null;
}

/** A grant that was not made, and the limit that left nothing; null when the program has no such benefit. */
export interface RefusedGrant extends WantedGrant {
  readonly short: Shortage | null;
}

export interface GrantContext {
  readonly tenantKey: string;
  readonly program: PinnedProgram;
  /** Business time. */
  readonly now: Date;
}

/** Grants benefits by rule and by hand, within what their limits and their stock leave. */
export class GrantWriter {
  /**
   * Grants what limits and stock leave, in the order given; whether the members may have it is the caller's
   * to check. Locks the counters until the transaction ends.
   */
  async grant(
    tx: Transaction,
    { tenantKey, program, now }: GrantContext,
    wanted: readonly WantedGrant[],
  ): Promise<{ granted: Grant[]; refused: RefusedGrant[] }> {
    const { timeZone, benefits } = program.definition;
    const catalogue = new Map(benefits.map((benefit) => [benefit.code, benefit]));
    const known = wanted.flatMap((one): Found[] => {
      const definition = catalogue.get(one.benefit);
      return definition === undefined ? [] : [{ wanted: one, definition }];
    });
    const boundsOf = ({ wanted: { memberKey }, definition }: Found) => grantLimits(definition, memberKey);
    const limits = distinct(known.flatMap(boundsOf));
    const claimed = await claimLimits(tx, tenantKey, limits, { moment: now, timeZone });
    const { given, refused, taken } = allot(known, boundsOf, claimed);
    const granted = given.map((one) => toGrant(one, { tenantKey, now, timeZone }));
    await Promise.all([insertNew(tx, tenantKey, granted, now), countLimits(tx, tenantKey, taken)]);
    const unknown = wanted.filter(({ benefit }) => !catalogue.has(benefit));
    return {
      granted: granted.map((grant) => ({ ...grant, status: statusAt(grant, now) })),
      refused: [
        ...refused.map(({ one, short }) => ({ ...one.wanted, short })),
        ...unknown.map((one) => ({ ...one, short: null })),
      ],
    };
  }

  /**
   * Takes back what these rules granted for an activity, as far as nobody has used it; pieces of a stock are
   * given back.
   * @returns what was revoked
   */
  async revokeOfActivity(
    tx: Transaction,
    { tenantKey, now }: Pick<GrantContext, 'tenantKey' | 'now'>,
    activityKey: string,
    rules: readonly string[],
    reason: string,
  ): Promise<Grant[]> {
    const found = rules.length === 0 ? [] : await findUnusedOfActivity(tx, tenantKey, activityKey, rules);
    if (found.length === 0) return [];
    const stocks = found.filter(({ takesStock }) => takesStock);
    const limits = distinct(stocks.map(({ benefitCode }) => stockOf(benefitCode, 0n)));
    const keys = found.map(({ grantKey }) => grantKey);
    // Stocks count for ever, so neither moment nor zone matters.
    const [claimed, locked] = await Promise.all([
      claimLimits(tx, tenantKey, limits, { moment: now, timeZone: 'UTC' }),
      lockByKeys(tx, tenantKey, keys),
    ]);
    const before = locked.filter(({ revokedAt, timesUsed }) => revokedAt === null && timesUsed === 0);
    const after = before.map((grant) =>
      withoutStock(revoked(grant, nextMoment(grant, now), { reason, by: null })),
    );
    const freed = claimed.map((limit): Taken => {
      const pieces = before.filter((grant) => grant.takesStock && isOf(grant, limit.subject));
      return { limit, amount: -BigInt(pieces.length) };
    });
    emitEvents(
      tx,
      tenantKey,
      after.map((grant) => ofGrant('REVOKED', grant)),
    );
    await Promise.all([update(tx, tenantKey, after), countLimits(tx, tenantKey, freed)]);
    return after.map((grant) => ({ ...grant, status: statusAt(grant, now) }));
  }
}

interface Found {
  readonly wanted: WantedGrant;
  readonly definition: BenefitDefinition;
}

function isOf({ benefitCode }: StoredGrant, subject: string): boolean {
  return stockOf(benefitCode, 0n).subject === subject;
}

function toGrant(
  { wanted, definition }: Found,
  { tenantKey, now, timeZone }: { tenantKey: string; now: Date; timeZone: string },
): StoredGrant {
  return {
    tenantKey,
    grantKey: wanted.grantKey,
    memberKey: wanted.memberKey,
    benefitCode: wanted.benefit,
    source: GrantSource[wanted.source],
    reason: wanted.reason,
    rule: wanted.rule,
    activityKey: wanted.activityKey,
    grantedBy: wanted.grantedBy,
    takesStock: definition.stock !== undefined,
    ...validityOf(definition, wanted, now, timeZone),
    ...newGrant(definition, now),
  };
}

/** What every new grant has in common, whatever gave it. */
export function newGrant({ uses }: BenefitDefinition, now: Date) {
  return {
    tierHeld: false,
    usesLeft: uses?.perGrant ?? null,
    timesUsed: 0,
    revokedAt: null,
    revokeReason: null,
    revokedBy: null,
    createdAt: now,
    changedAt: null,
  };
}
