import { isDeepStrictEqual } from 'node:util';
import { growthRead, pointsRead } from '../../extension/index.ts';
import { newKey } from '../../kernel/ids.ts';
import { newWebhookSecret } from '../runtimes/webhook/index.ts';
import type { Odd, Probe, Seen } from './probe.ts';

/** One thing that a receiver must do; null when it does, else what was seen instead. */
export interface Check<Name extends string = string> {
  readonly name: Name;
  run(probe: Probe): Promise<Seen | null>;
}

const TEN_MINUTES_MS = 10 * 60_000;
/** As many as the product keeps connections. */
const AT_ONCE = 16;
/** The host sends up to 256 kB. */
const LARGE_CHARACTERS = 200_000;
const TOO_LARGE_CHARACTERS = 2_000_000;

/** Answered with an output that fits. */
const answered = (seen: Seen): Seen | null => (seen.why === null ? null : seen);

/** Answered with 400 to 499: neither taken, nor fallen over. */
const refused = (seen: Seen): Seen | null =>
  seen.status !== null && seen.status >= 400 && seen.status < 500 ? null : seen;

function answers<Name extends string>(name: Name, odd: (probe: Probe) => Odd): Check<Name> {
  return { name, run: async (probe) => answered(await probe.ask(odd(probe))) };
}

function refuses<Name extends string>(name: Name, odd: (probe: Probe) => Odd): Check<Name> {
  return { name, run: async (probe) => refused(await probe.ask(odd(probe))) };
}

/** The first of several that isn't as it must be. */
async function firstOf(asked: Iterable<Promise<Seen>>, by: typeof answered): Promise<Seen | null> {
  for (const seen of await Promise.all(asked)) {
    const trouble = by(seen);
    if (trouble !== null) return trouble;
  }
  return null;
}

const GOOD_CALLS = [
  answers('answered', () => ({})),
  { name: 'challenge', run: async (probe: Probe) => answered(await probe.challenge()) },
  answers('rotation', ({ receiver: { secret } }) => ({ secrets: [newWebhookSecret(), secret] })),
  {
    name: 'modes',
    run: (probe: Probe) =>
      firstOf(
        ['SHADOW', 'DRY_RUN', 'TEST'].map((mode) => probe.ask({ envelope: { mode: mode as 'TEST' } })),
        answered,
      ),
  },
  answers('unknownFields', ({ receiver: { input } }) => ({
    envelope: { input: { ...(input as object), laterField: { since: 'version 1.1' } }, laterField: [1] },
  })),
  answers('large', ({ receiver: { input } }) => ({
    envelope: { input: { ...(input as object), laterField: 'x'.repeat(LARGE_CHARACTERS) } },
  })),
  { name: 'idempotent', run: (probe: Probe) => sameTwice(probe, 'TEST') },
  {
    name: 'together',
    run: (probe: Probe) =>
      firstOf(
        Array.from({ length: AT_ONCE }, () => probe.ask()),
        answered,
      ),
  },
] as const;

const BAD_CALLS = [
  refuses('unsigned', () => ({ headers: { 'webhook-signature': '' } })),
  refuses('wrongSecret', () => ({ secrets: [newWebhookSecret()] })),
  {
    name: 'otherBody',
    run: async (probe: Probe) => {
      const { headers, body } = probe.sign();
      return refused(await probe.send({ headers, body: `${body} ` }));
    },
  },
  refuses('otherId', () => ({ headers: { 'webhook-id': `call_${newKey()}` } })),
  refuses('old', () => ({ awayMs: -TEN_MINUTES_MS })),
  refuses('future', () => ({ awayMs: TEN_MINUTES_MS })),
  {
    name: 'replayed',
    run: async (probe: Probe) => {
      const sent = probe.sign();
      await probe.send(sent);
      return refused(await probe.send(sent));
    },
  },
  refuses('noJson', () => ({ body: '{"point": ' })),
  refuses('otherPoint', () => ({ envelope: { point: 'nobody.asks' } })),
  {
    name: 'badInput',
    run: async (probe: Probe) => {
      const seen = await probe.ask({ envelope: { input: null } });
      return seen.status !== null && seen.status < 500 ? null : seen;
    },
  },
  {
    name: 'tooLarge',
    run: async (probe: Probe) => {
      const seen = await probe.ask({ envelope: { laterField: 'x'.repeat(TOO_LARGE_CHARACTERS) } });
      // The connection may be cut before everything was sent.
      return seen.status === null || refused(seen) === null ? null : seen;
    },
  },
] as const;

/** Only where it may act: it takes this for an order of a member. */
const LIVE_CALLS = [
  { name: 'liveOnce', run: (probe: Probe) => sameTwice(probe, 'LIVE') },
  answers('canary', () => ({ envelope: { mode: 'CANARY' } })),
] as const;

/** Whoever keeps a record, or tells it: a repetition is safe only where it is known again. */
const KEEPERS = [pointsRead.name, growthRead.name, 'points.change'];
const KEEPER_CALLS = [
  { name: 'knownAgain', run: (probe: Probe) => sameAfterAnother(probe, 'TEST') },
] as const;
const LIVE_KEEPER_CALLS = [
  { name: 'liveKnownAgain', run: (probe: Probe) => sameAfterAnother(probe, 'LIVE') },
] as const;

const LAST = [answers('healthy', () => ({}))] as const;

/** Another attempt at one request has another id, and the same key: its answer must be the same. */
async function sameTwice(probe: Probe, mode: 'LIVE' | 'TEST'): Promise<Seen | null> {
  const idempotencyKey = `conformance-${newKey()}`;
  const first = await probe.ask({ envelope: { mode, idempotencyKey } });
  const second = await probe.ask({ envelope: { mode, idempotencyKey, attempt: 2 } });
  const trouble = answered(first) ?? answered(second);
  if (trouble !== null) return trouble;
  return isDeepStrictEqual(first.output, second.output) ? null : second;
}

/** The same request is asked again when another one was answered meanwhile. */
async function sameAfterAnother(probe: Probe, mode: 'LIVE' | 'TEST'): Promise<Seen | null> {
  const [one, other] = [newKey(), newKey()].map((key) => `conformance-${key}`);
  const first = await probe.ask({ envelope: { mode, idempotencyKey: one } });
  const between = await probe.ask({ envelope: { mode, idempotencyKey: other } });
  const again = await probe.ask({ envelope: { mode, idempotencyKey: one, attempt: 2 } });
  const trouble = answered(first) ?? answered(between) ?? answered(again);
  if (trouble !== null) return trouble;
  return isDeepStrictEqual(first.output, again.output) ? null : again;
}

export type CheckName = (
  | (typeof GOOD_CALLS)[number]
  | (typeof BAD_CALLS)[number]
  | (typeof LIVE_CALLS)[number]
  | (typeof KEEPER_CALLS)[number]
  | (typeof LIVE_KEEPER_CALLS)[number]
  | (typeof LAST)[number]
)['name'];

/** In the order in which they are made. */
export function checksOf(point: string, live: boolean): readonly Check<CheckName>[] {
  const isKeeper = KEEPERS.includes(point);
  return [
    ...GOOD_CALLS,
    ...(isKeeper ? KEEPER_CALLS : []),
    ...(live ? LIVE_CALLS : []),
    ...(live && isKeeper ? LIVE_KEEPER_CALLS : []),
    ...BAD_CALLS,
    ...LAST,
  ];
}
