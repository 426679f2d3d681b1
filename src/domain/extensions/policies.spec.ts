import fc from 'fast-check';
import { type Change, differencesOf } from '../../kernel/differences.ts';
import { pointNamed, showPoint } from './points.policy.ts';
import { personalTexts, redact, schemaAt, scrub, scrubLine } from './redaction.policy.ts';
import { layOver } from './sample.policy.ts';
import { restage, revise, type Standing } from './stage.policy.ts';

const STAGES = ['DRAFT', 'SHADOW', 'CANARY', 'LIVE', 'RETIRED'] as const;

describe('a sample', () => {
  it('is laid over the example, objects key by key', () => {
    expect(layOver({ a: 1, b: { c: 2, d: 3 } }, { b: { d: 4 }, e: null })).toEqual({
      ...{ a: 1, b: { c: 2, d: 4 }, e: null },
    });
    expect(layOver({ a: { b: 1 } }, { a: null })).toEqual({ a: null });
    expect(layOver({ a: [1] }, { a: [] })).toEqual({ a: [] });
  });

  it('lays items over the example’s of the same place, or its last one', () => {
    const example = [
      { sku: 'A', quantity: 1 },
      { sku: 'B', quantity: 2 },
    ];
    expect(layOver(example, [{ sku: 'X' }, {}, { sku: 'Z' }])).toEqual([
      { sku: 'X', quantity: 1 },
      { sku: 'B', quantity: 2 },
      { sku: 'Z', quantity: 2 },
    ]);
    expect(layOver(null, [{ a: 1 }])).toEqual([{ a: 1 }]);
  });

  it('never takes what an object has from its prototype', () => {
    const sample = JSON.parse('{ "__proto__": { "polluted": true }, "constructor": { "x": 1 } }');
    expect(layOver({}, sample)).toEqual(sample);
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
  });
});

describe('differences', () => {
  it('are none between equal answers, and the same places both ways', () => {
    const samePlaces = fc.property(fc.jsonValue(), fc.jsonValue(), (one, other) => {
      expect(differencesOf(one, structuredClone(one))).toEqual([]);
      const placesOf = (found: readonly Change[]) => found.map(({ path }) => path).sort();
      expect(placesOf(differencesOf(other, one))).toEqual(placesOf(differencesOf(one, other)));
    });
    void fc.assert(samePlaces);
  });

  it('say where, and what each side has', () => {
    expect(differencesOf({ a: [{ b: 1 }], c: 2 }, { a: [{ b: 3 }, 4] })).toEqual([
      { path: 'a.0.b', before: 1, now: 3 },
      { path: 'a.1', now: 4 },
      { path: 'c', before: 2 },
    ]);
    expect(differencesOf({}, { toString: 1 })).toStrictEqual([{ path: 'toString', now: 1 }]);
    expect(differencesOf(undefined, { a: 1 })).toEqual([{ path: '', now: { a: 1 } }]);
  });
});

describe('redaction', () => {
  const point = pointNamed('member.create');
  if (point === null) throw new Error('There is no such point.');
  const { inputSchema, outputSchema } = showPoint(point);
  const input = {
    identities: [{ kind: 'PHONE', value: '+8613800138000' }],
    profile: { displayName: '林小满', gender: null },
    source: { channel: 'pos', store: null },
    attributes: { crm: { id: 'C-2041-77' } },
    consents: [],
  };

  it('leaves out what the schema marks, wherever it lies', () => {
    expect(redact(input, inputSchema)).toEqual({
      ...{ identities: [{ kind: 'PHONE', value: '[redacted]' }], profile: '[redacted]' },
      ...{ source: { channel: 'pos', store: null }, attributes: '[redacted]', consents: [] },
    });
    expect(redact(null, inputSchema)).toBeNull();
    expect(schemaAt(outputSchema, 'attributes.crm.id').isPersonal).toBe(true);
    expect(schemaAt(outputSchema, 'postings.0.amount').isPersonal).toBe(false);
  });

  it('finds the texts that must not turn up elsewhere', () => {
    const texts = personalTexts(input, inputSchema);
    expect([...texts].sort()).toEqual(['+8613800138000', 'C-2041-77', '林小满']);
    expect(scrub(['no +8613800138000', { 林小满: 5 }], texts)).toEqual([
      'no [redacted]',
      { '[redacted]': 5 },
    ]);
  });
});

describe('a line of a log', () => {
  const [schema] = [showPoint(pointNamed('member.create') as never).inputSchema];
  const told = {
    identities: [
      { kind: 'PHONE', value: '+8613800138000' },
      { kind: 'CARD', value: 'K-7.' },
    ],
    profile: { displayName: 'Lin' },
  };
  it.each([
    ['Dear Lin, welcome', 'Dear [redacted], welcome'],
    ['Line 5 of lin', 'Line 5 of [redacted]'],
    ['card (K-7.)', 'card ([redacted])'],
    ['call 13800138000', 'call [redacted]'],
    ['0086 13800138000 gives 1000', '0086 [redacted] gives 1000'],
    ['tea 134000000 of 268000000', 'tea 134000000 of 268000000'],
  ])('"%s" is shown as "%s"', (line, shown) => {
    expect(scrubLine(line, told, schema)).toBe(shown);
  });
});

describe('stages', () => {
  const standing = fc.record({
    ...{ stage: fc.constantFrom(...STAGES), version: fc.constantFrom(3), canaryPercent: fc.constant(0) },
    liveVersion: fc.option(fc.constantFrom(1, 2, 3)),
    ...{ fallbackVersion: fc.option(fc.constantFrom(1, 2)), shadowedVersion: fc.constant(null) },
  });
  const wanted = fc.constantFrom(...STAGES);
  const percent = (stage: (typeof STAGES)[number]) => ({
    stage,
    canaryPercent: stage === 'CANARY' ? 5 : null,
  });

  it('let the newest revision answer alone where it is LIVE, and never elsewhere', () => {
    void fc.assert(
      fc.property(standing, wanted, (from: Standing, stage) => {
        fc.pre(from.stage !== 'RETIRED');
        const after = restage(from, percent(stage));
        expect(after.liveVersion === after.version).toBe(stage === 'LIVE');
        if (stage === 'RETIRED') expect(after).toMatchObject({ liveVersion: null, fallbackVersion: null });
        if (stage === 'SHADOW') expect(after.shadowedVersion).toBe(after.version);
        expect(restage(after.stage === 'RETIRED' ? from : after, percent(stage))).toMatchObject(after);
      }),
    );
  });

  it('keep what was LIVE while the next revision is tried', () => {
    const live: Standing = {
      ...{
        stage: 'LIVE',
        canaryPercent: 0,
        version: 3,
        liveVersion: 3,
        fallbackVersion: 1,
        shadowedVersion: 3,
      },
    };
    for (const stage of ['DRAFT', 'SHADOW', 'CANARY'] as const)
      expect(revise(live, percent(stage))).toMatchObject({ stage, version: 4, liveVersion: 3 });
    expect(revise(live, percent('LIVE'))).toMatchObject({ version: 4, liveVersion: 4, fallbackVersion: 3 });
    expect(() => revise(live, percent('RETIRED'))).toThrow('STAGE_INVALID');
  });
});
