import { isDeepStrictEqual } from 'node:util';
import { signToken } from '../../src/boot/index.ts';
import { exampleText } from '../ledger/programs.ts';
import { type Hook, startHook } from './attacks.ts';
import type { Json, TestGateway } from './gateway.ts';
import type { OwnTenant } from './own-tenant.ts';
import { untilHolds } from './until-holds.ts';

/** Among the assets of the demo program. */
const MILES = '  - { code: miles, kind: POINTS, name: { en: Miles }, recordOf: EXTERNAL }\n';
const RULE = `
  - code: miles-for-purchases
    name: { en: Miles }
    trigger: purchase
    postings: [{ asset: miles, amount: { each: "1.00", gives: 1 } }]
`;
/** The demo program, with miles for purchases that another system keeps. */
export const MILES_PROGRAM = `${exampleText('demo').replace('ladders:', `${MILES}ladders:`).trimEnd()}${RULE}`;

/** Another system that keeps the record of assets: it knows each operation again, and its own balances. */
export interface RecordElsewhere extends Hook {
  /** What it holds, by member. */
  readonly balances: Map<string, bigint>;
  /** What it booked, in order: `mem_… +120`. */
  readonly booked: string[];
  /** Its answers are lost; what it was asked it does. */
  isAway: boolean;
  /** Awaited before each answer; false: it was never reached, as far as it knows. */
  before: (envelope: Json) => Promise<unknown> | unknown;
}

/** It refuses what would bring a balance below zero, and whatever `reason` says is to be refused. */
export async function startRecordElsewhere(): Promise<RecordElsewhere> {
  const known = new Map<string, Json>();
  const balances = new Map<string, bigint>();
  const booked: string[] = [];
  const decide = ({ member, operation, amount }: Json): Json => {
    const balance = (balances.get(member.id) ?? 0n) + BigInt(amount);
    if (operation.reason === 'refuse me') return { decision: 'REFUSE', reason: 'The shop is closed.' };
    if (balance < 0n) return { decision: 'REFUSE', reason: 'Too little there.' };
    balances.set(member.id, balance);
    booked.push(`${member.id} ${amount}`);
    return { decision: 'DONE', reference: { type: 'booking', id: operation.id }, balance: String(balance) };
  };
  const record: RecordElsewhere = Object.assign(await startHook(), {
    ...{ balances, booked, isAway: false, before: () => undefined },
  });
  record.answer = async (envelope, response) => {
    if ((await record.before(envelope)) === false) return undefined;
    const { idempotencyKey, input } = envelope;
    const answer = known.get(idempotencyKey) ?? decide(input);
    known.set(idempotencyKey, answer);
    if (!record.isAway) return answer;
    response.destroy();
    return undefined;
  };
  return record;
}

/** A webhook to it, to be registered. */
export const answering = ({ url }: RecordElsewhere, more: Json = {}) => ({
  ...{ point: 'points.change', runtime: 'WEBHOOK', webhook: { url } },
  ...{ stage: 'LIVE', deadlineMs: 10_000, ...more },
});

/** Waits until something is read. */
export async function comesTo(read: () => Promise<unknown>, wanted: unknown): Promise<void> {
  let found: unknown;
  const isThere = async (): Promise<boolean> => {
    found = await read();
    return isDeepStrictEqual(found, wanted);
  };
  await untilHolds(isThere).catch(() => undefined);
  expect(found).toEqual(wanted);
}

/** Asks as a member. */
export async function memberOf(
  { ask, config }: TestGateway,
  { code }: OwnTenant,
  memberId: string,
): Promise<Pick<OwnTenant, 'ask'>> {
  const claims = { subject: memberId, tenant: code, role: 'member', expiresIn: '1h' } as const;
  const token = await signToken(config, claims);
  return { ask: (query, variables) => ask(query, variables, { authorization: `Bearer ${token}` }) };
}

/** What a member’s ledger shows, the oldest first: `EARN 100 DONE`. */
export async function milesOf(asked: Pick<OwnTenant, 'ask'>, memberId: string): Promise<string[]> {
  const query = `query($id: ID!) { member(id: $id) { ledger(asset: "miles") {
    entries(first: 50) { edges { node { amount operation { kind status } } } } } } }`;
  const { data } = await asked.ask(query, { id: memberId });
  return data.member.ledger.entries.edges
    .map(({ node: { amount, operation } }: Json) => `${operation.kind} ${amount} ${operation.status}`)
    .toReversed();
}

/** It keeps its answers back, at most so many. */
export function holdAnswers(record: RecordElsewhere, most = Number.POSITIVE_INFINITY) {
  const held = Promise.withResolvers<void>();
  const reached = Promise.withResolvers<void>();
  let calls = 0;
  record.before = async () => {
    calls += 1;
    if (calls > most) return;
    reached.resolve();
    await held.promise;
  };
  return { reached: reached.promise, release: () => held.resolve(), calls: () => calls };
}
