import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { configure } from 'safe-stable-stringify';
import { digestOf, idempotentRequest } from './idempotency.ts';

const stringify = configure({ bigint: false });

/** As every release has made it. */
function hashBefore(mutation: string, input: object): string {
  const canonical = stringify(input, (_, value) => (typeof value === 'bigint' ? `${value}n` : value));
  return createHash('sha256').update(`${mutation}\n${canonical}`).digest('hex');
}

const moment = fc.date({ noInvalidDate: true });
const value = fc.letrec((tie) => ({
  any: fc.oneof(
    { depthSize: 'small' },
    fc.string({ unit: 'binary' }),
    fc.double(),
    fc.bigInt(),
    fc.boolean(),
    fc.constantFrom(null, undefined),
    moment,
    fc.array(tie('any'), { maxLength: 3 }),
    fc.dictionary(fc.oneof(fc.string(), fc.nat(120).map(String)), tie('any'), { maxKeys: 4 }),
  ),
})).any;

test('a request has one hash, in whatever order its fields come, the one that it always had', () => {
  const fields = fc.dictionary(fc.string(), value, { maxKeys: 5 });
  void fc.assert(
    fc.property(fields, (input) => {
      const { idempotencyKey: _, dryRun: __, ...rest } = input;
      const expected = hashBefore('earnPoints', rest);
      const entries = Object.entries(rest);
      for (const order of [entries, entries.toReversed(), entries.toSorted(([a], [b]) => (a < b ? -1 : 1))]) {
        const request = idempotentRequest('earnPoints', {
          dryRun: true,
          ...Object.fromEntries(order),
          idempotencyKey: 'a key',
        });
        expect(request.hash.toString('hex')).toBe(expected);
      }
    }),
    { numRuns: 500 },
  );
});

test('a key has 1 to 200 characters', () => {
  for (const idempotencyKey of ['', 'k'.repeat(201)])
    expect(() => idempotentRequest('earnPoints', { idempotencyKey })).toThrow(
      expect.objectContaining({ reasons: [{ code: 'IDEMPOTENCY_KEY_INVALID', field: ['idempotencyKey'] }] }),
    );
  const request = idempotentRequest('earnPoints', { idempotencyKey: 'k'.repeat(200) });
  expect(request.key).toBe(digestOf('k'.repeat(200)));
});

test('a key is kept as the first half of its SHA-256, save six bits that make it a UUID', () => {
  // The digests of FIPS 180-4's examples, "abc" and the empty text.
  expect(digestOf('abc')).toBe('ba7816bf-8f01-8fea-8141-40de5dae2223');
  expect(digestOf('')).toBe('e3b0c442-98fc-8c14-9afb-f4c8996fb924');
});
