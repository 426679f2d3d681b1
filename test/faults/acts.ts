import type { Random } from './random.ts';

/** One mutation, as it is sent now and sent again. */
export interface Act {
  readonly mutation: string;
  readonly input: Readonly<Record<string, unknown>>;
  readonly query: string;
  /** Its idempotency key; those of its items when it is a batch. */
  readonly keys: readonly string[];
}

/** What acts can be about: who there is, and what was acknowledged so far. */
export interface World {
  readonly members: readonly string[];
  readonly holds: string[];
  readonly operations: string[];
  readonly purchases: string[];
}

const ENTRIES = 'entries { id kind amount version balanceAfter postedDelta pendingDelta heldDelta }';
const OPERATION = `operation { id kind ${ENTRIES} }`;
const LEDGER = 'ledger { version balance { available pending held } }';
const HOLD = 'hold { id amount captured released status }';
const ANSWERS: Readonly<Record<string, string>> = {
  earnPoints: `${OPERATION} ${LEDGER}`,
  redeemPoints: `${OPERATION} ${LEDGER}`,
  holdPoints: `${HOLD} ${OPERATION} ${LEDGER}`,
  captureHold: `${HOLD} ${OPERATION} ${LEDGER}`,
  releaseHold: `${HOLD} ${OPERATION} ${LEDGER}`,
  transferPoints: OPERATION,
  reverseOperation: `${OPERATION} ${LEDGER}`,
  recordActivity: `activity { id type amount { value currency } } operations { id kind ${ENTRIES} }`,
};

export const NODE_ANSWER = `... on LedgerOperation { id kind ${ENTRIES} }`;

/** How often each is done, of the sum of all. */
const WEIGHTS: readonly (readonly [mutation: string, weight: number])[] = [
  ['earnPoints', 22],
  ['redeemPoints', 18],
  ['holdPoints', 10],
  ['captureHold', 7],
  ['releaseHold', 6],
  ['transferPoints', 9],
  ['reverseOperation', 8],
  ['earnPointsBatch', 6],
  ['purchase', 9],
  ['refund', 5],
];
const ALL_WEIGHTS = WEIGHTS.reduce((sum, [, weight]) => sum + weight, 0);
const ITEMS_A_BATCH = 5;

export function act(mutation: string, key: string, input: Readonly<Record<string, unknown>>): Act {
  const type = `${mutation.charAt(0).toUpperCase()}${mutation.slice(1)}Input`;
  const answer = `${ANSWERS[mutation]} userErrors { code }`;
  const query = `mutation($input: ${type}!) { ${mutation}(input: $input) { ${answer} } }`;
  return { mutation, query, input: { ...input, idempotencyKey: key }, keys: [key] };
}

function batch(key: string, items: readonly Readonly<Record<string, unknown>>[]): Act {
  const keyed = items.map((item, index) => ({ ...item, idempotencyKey: `${key}-${index}` }));
  const query = `mutation($input: EarnPointsBatchInput!) { earnPointsBatch(input: $input) {
    results { ${OPERATION} userErrors { code } } } }`;
  return {
    ...{ mutation: 'earnPointsBatch', query, input: { items: keyed } },
    keys: keyed.map(({ idempotencyKey }) => idempotencyKey),
  };
}

/** Something that a caller may want now; what there is nothing for yet becomes a credit. */
export function anyAct(random: Random, world: World, key: string): Act {
  let left = random.whole(1, ALL_WEIGHTS);
  const drawn = WEIGHTS.find(([, weight]) => {
    left -= weight;
    return left <= 0;
  });
  return actOf(drawn?.[0] ?? '', random, world, key) ?? act('earnPoints', key, credit(random, world.members));
}

function credit(random: Random, members: readonly string[]): Record<string, unknown> {
  // What counts toward a tier goes another way than the rest.
  const asset = random.one(['points', 'points', 'token', 'growth']);
  return { memberId: random.one(members), asset, amount: String(random.whole(1, 60)) };
}

function actOf(what: string, random: Random, world: World, key: string): Act | null {
  const { members } = world;
  const amount = String(random.whole(1, 120));
  const hold = random.one(world.holds);
  switch (what) {
    case 'redeemPoints':
    case 'holdPoints':
      return act(what, key, { memberId: random.one(members), asset: 'points', amount });
    case 'captureHold':
      return hold === undefined
        ? null
        : act(what, key, { holdId: hold, amount: String(random.whole(1, 60)) });
    case 'releaseHold':
      return hold === undefined ? null : act(what, key, { holdId: hold });
    case 'transferPoints': {
      const [fromMemberId, toMemberId] = [random.one(members), random.one(members)];
      return act(what, key, { fromMemberId, toMemberId, asset: 'token', amount: String(random.whole(1, 5)) });
    }
    case 'reverseOperation': {
      const operationId = random.one(world.operations);
      return operationId === undefined ? null : act(what, key, { operationId });
    }
    case 'earnPointsBatch':
      return batch(
        key,
        Array.from({ length: ITEMS_A_BATCH }, () => credit(random, members)),
      );
    case 'purchase':
      return act('recordActivity', key, {
        ...{ type: 'purchase', memberId: random.one(members), order: { number: `order-${key}` } },
        amount: { value: `${random.whole(50, 900)}.00`, currency: 'CNY' },
      });
    case 'refund': {
      const refundOf = random.one(world.purchases);
      const refunded = { value: `${random.whole(10, 200)}.00`, currency: 'CNY' };
      return refundOf === undefined
        ? null
        : act('recordActivity', key, { type: 'refund', refundOf, amount: refunded });
    }
    default:
      return null;
  }
}
