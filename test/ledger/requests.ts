import fc from 'fast-check';
import type { Application } from '../../src/compose.ts';
import type { LedgerOperation } from '../../src/domain/ledgers/index.ts';
import { Refusal } from '../../src/kernel/errors.ts';
import { toPublicId } from '../../src/kernel/ids.ts';
import { MAX_POINTS } from '../../src/kernel/points.ts';
import type { RequestContext } from '../../src/kernel/request-context.ts';
import { day } from './drafts.ts';
import type { Wish } from './tenant-model.ts';

/** One thing that a caller does; what it acts on is chosen when it is its turn. */
export interface Step {
  readonly kind: Wish['kind'];
  readonly member: number;
  readonly to: number;
  readonly asset: string;
  readonly amount: bigint;
  readonly whole: boolean;
  readonly final: boolean;
  /** Days from today. */
  readonly dueIn: number | null;
  readonly lastsFor: number | null;
  readonly endsIn: number | 'HOURS' | null;
  /** Which of the last holds, operations or requests. */
  readonly which: number;
  /** A key that was sent before: with the same input, or with this one. */
  readonly again: 'SAME' | 'OTHER' | null;
  readonly dryRun: boolean;
  /** An EARN is one of so many in a batch, for one member after the other; 0 is none. */
  readonly batch: number;
}

/** What happens on one day. */
export interface Phase {
  readonly days: number;
  /** The job runs meanwhile. */
  readonly settles: boolean;
  readonly steps: readonly Step[];
}

export const MEMBERS = 3;
const small = fc.bigInt({ min: 1n, max: 40n });
const step: fc.Arbitrary<Step> = fc.record({
  kind: fc.oneof(
    { weight: 7, arbitrary: fc.constant('EARN' as const) },
    { weight: 4, arbitrary: fc.constantFrom('REDEEM' as const, 'ADJUST' as const, 'TRANSFER' as const) },
    { weight: 4, arbitrary: fc.constantFrom('HOLD' as const, 'CAPTURE' as const, 'RELEASE' as const) },
    { weight: 5, arbitrary: fc.constantFrom('REVERSE' as const, 'CAPTURE' as const, 'REVERSE' as const) },
  ),
  member: fc.nat({ max: MEMBERS - 1 }),
  to: fc.nat({ max: MEMBERS - 1 }),
  asset: fc.oneof(
    { weight: 6, arbitrary: fc.constantFrom('coin', 'credit') },
    { weight: 1, arbitrary: fc.constantFrom('growth', 'hoard') },
  ),
  amount: fc.oneof(
    { weight: 24, arbitrary: small },
    { weight: 6, arbitrary: small.map((amount) => -amount) },
    { weight: 1, arbitrary: fc.constant(0n) },
    { weight: 1, arbitrary: fc.bigInt({ min: MAX_POINTS - 60n, max: MAX_POINTS }) },
  ),
  whole: fc.boolean(),
  final: fc.boolean(),
  dueIn: fc.option(fc.integer({ min: -1, max: 3 })),
  lastsFor: fc.option(fc.integer({ min: 0, max: 5 })),
  endsIn: fc.oneof(fc.constantFrom(null, 'HOURS' as const), fc.integer({ min: 0, max: 4 })),
  which: fc.nat({ max: 5 }),
  again: fc.oneof(
    { weight: 12, arbitrary: fc.constant(null) },
    { weight: 1, arbitrary: fc.constantFrom('SAME' as const, 'OTHER' as const) },
  ),
  dryRun: fc.oneof({ weight: 9, arbitrary: fc.constant(false) }, { weight: 1, arbitrary: fc.constant(true) }),
  batch: fc.oneof(
    { weight: 9, arbitrary: fc.constant(0) },
    { weight: 1, arbitrary: fc.integer({ min: 1, max: 8 }) },
  ),
});

export function phases(steps: number): fc.Arbitrary<Phase[]> {
  const phase = fc.record({
    days: fc.integer({ min: 0, max: 3 }),
    settles: fc.boolean(),
    steps: fc.array(step, { minLength: 1, maxLength: steps, size: 'max' }),
  });
  return fc.array(phase, { minLength: 2, maxLength: 6, size: 'max' });
}

/** What was asked of a tenant and made there, the latest last. */
export interface Known {
  readonly wishes: Wish[];
  readonly holds: string[];
  readonly operations: string[];
}

/** One of the last few, so that the same is met again and again. */
const chosen = <Value>(values: readonly Value[], which: number): Value | undefined =>
  values.at(-1 - (which % Math.max(values.length, 1)));

let made = 0;

/** What a step comes to on a day; null when there is nothing yet that it could act on. */
export function toWish(step: Step, today: number, members: readonly string[], known: Known): Wish | null {
  const { kind, amount, which, again, endsIn, dueIn, lastsFor } = step;
  const earlier = again === null ? undefined : chosen(known.wishes, which);
  if (again === 'SAME' && earlier !== undefined) return earlier;
  const [hold, undoes] = [chosen(known.holds, which), chosen(known.operations, which)];
  if ((kind === 'CAPTURE' || kind === 'RELEASE') && hold === undefined) return null;
  if (kind === 'REVERSE' && undoes === undefined) return null;
  made += 1;
  const wish: Wish = {
    ...{ kind, amount, requestKey: earlier?.requestKey ?? `wish-${made}`, says: '' },
    ...{ member: members[step.member] ?? '', to: members[step.to] ?? '', asset: step.asset },
    ...{ whole: ['CAPTURE', 'REVERSE'].includes(kind) && step.whole, final: step.final },
    dueAt: kind !== 'EARN' || dueIn === null ? null : day(today + dueIn),
    overAt: kind !== 'EARN' || lastsFor === null ? null : day(today + (dueIn ?? 0) + lastsFor),
    endsAt: kind === 'HOLD' && typeof endsIn === 'number' ? day(today + endsIn) : null,
    endsInHours: kind === 'HOLD' && endsIn === 'HOURS' ? 30 : null,
    ...{ hold: hold ?? '', undoes: undoes ?? '' },
  };
  const { idempotencyKey: _, ...input } = inputOf(wish);
  const mutation = kind === 'EARN' && step.batch > 0 ? 'BATCH' : kind;
  const text = JSON.stringify(input, (_key, value: unknown) =>
    typeof value === 'bigint' ? String(value) : value,
  );
  return { ...wish, says: `${mutation} ${text}` };
}

type Services = Application['services'];
type InputTo<Noun extends keyof Services, Act extends keyof Services[Noun]> = Services[Noun][Act] extends (
  ctx: RequestContext,
  input: infer Given,
) => unknown
  ? Given
  : never;
/** What all of the mutations take together; each takes its part of it. */
type Input = InputTo<'ledgers', 'earn'> &
  InputTo<'ledgers', 'adjust'> &
  InputTo<'holds', 'hold'> &
  InputTo<'holds', 'capture'> &
  InputTo<'reversals', 'reverse'> &
  InputTo<'transfers', 'transfer'>;

function inputOf(wish: Wish): Partial<Input> {
  const { kind, requestKey: idempotencyKey, member: memberId, asset, amount, whole, final } = wish;
  const reason = 'a test';
  if (kind === 'EARN') {
    return { idempotencyKey, memberId, asset, amount, availableAt: wish.dueAt, expiresAt: wish.overAt };
  }
  if (kind === 'HOLD') {
    const expiresIn = wish.endsInHours === null ? null : `PT${wish.endsInHours}H`;
    return { idempotencyKey, memberId, asset, amount, expiresAt: wish.endsAt, expiresIn };
  }
  if (kind === 'TRANSFER')
    return { idempotencyKey, fromMemberId: memberId, toMemberId: wish.to, asset, amount };
  if (kind === 'REDEEM' || kind === 'ADJUST') return { idempotencyKey, memberId, asset, amount, reason };
  const part = whole ? {} : { amount };
  if (kind === 'REVERSE')
    return { idempotencyKey, operationId: toPublicId('operation', wish.undoes), reason, ...part };
  const holdId = toPublicId('hold', wish.hold);
  return kind === 'CAPTURE' ? { idempotencyKey, holdId, final, ...part } : { idempotencyKey, holdId };
}

/** What came of a wish. */
export type Outcome =
  | { readonly refused: string }
  | { readonly refused: null; readonly operation: LedgerOperation; readonly hold: string };

/** Carries wishes out through the real services; several are items of one batch. */
export async function carryOut(
  { services }: { services: Services },
  ctx: RequestContext,
  wishes: readonly Wish[],
  dryRun: boolean,
): Promise<Outcome[]> {
  const [wish] = wishes;
  if (wish === undefined) return [];
  if (wish.says.startsWith('BATCH ')) {
    const items = wishes.map((one) => inputOf(one) as Input);
    const results = await services.ledgers.earnAll(ctx, items);
    return results.map((one) => (one instanceof Refusal ? refusedBy(one) : doneBy(one)));
  }
  try {
    return [await carryOutOne(services, ctx, wish, dryRun)];
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return [refusedBy(error)];
  }
}

async function carryOutOne(
  { ledgers, holds, reversals, transfers }: Services,
  ctx: RequestContext,
  wish: Wish,
  dryRun: boolean,
): Promise<Outcome> {
  const input = { ...inputOf(wish), ...(dryRun ? { dryRun } : {}) } as Input;
  const held = ({ operation, hold }: Awaited<ReturnType<Services['holds']['hold']>>): Outcome =>
    doneBy(operation, hold.holdKey);
  switch (wish.kind) {
    case 'EARN':
      return doneBy(await ledgers.earn(ctx, input));
    case 'REDEEM':
      return doneBy(await ledgers.redeem(ctx, input));
    case 'ADJUST':
      return doneBy(await ledgers.adjust(ctx, input));
    case 'HOLD':
      return held(await holds.hold(ctx, input));
    case 'CAPTURE':
      return held(await holds.capture(ctx, input));
    case 'RELEASE':
      return held(await holds.release(ctx, input));
    case 'REVERSE':
      return doneBy((await reversals.reverse(ctx, input)).operation);
    case 'TRANSFER':
      return doneBy(await transfers.transfer(ctx, input));
  }
}

function doneBy(operation: LedgerOperation, hold = ''): Outcome {
  return { refused: null, operation, hold };
}

function refusedBy(refusal: Refusal): Outcome {
  return { refused: refusal.reasons[0]?.code ?? refusal.message };
}
