import {
  derivedKey,
  fromEntryId,
  fromPublicId,
  ID_PREFIXES,
  type IdType,
  newKey,
  toEntryId,
  toPublicId,
} from './ids.ts';

const KEY = '0190f3c4-5b6a-7def-8123-456789abcdef';
const types = Object.keys(ID_PREFIXES) as IdType[];

describe('public ids', () => {
  it.each(types)('of a %s lead back to its key', (type) => {
    for (const key of [KEY, newKey(), derivedKey(KEY, 'points')]) {
      const id = toPublicId(type, key);
      expect(id).toMatch(new RegExp(`^${ID_PREFIXES[type]}_[0-9a-z]{26}$`));
      expect(fromPublicId(type, id)).toBe(key);
    }
  });

  it.each(['00000000-0000-0000-0000-000000000000', 'ffffffff-ffff-ffff-ffff-ffffffffffff'])(
    'hold the whole range of keys: %s',
    (key) => {
      expect(fromPublicId('member', toPublicId('member', key))).toBe(key);
    },
  );

  it('have a prefix of their own for each type', () => {
    expect(new Set(Object.values(ID_PREFIXES)).size).toBe(types.length);
  });

  it.each(types)('of a %s are nothing else', (type) => {
    const others = types.filter((other) => other !== type);
    expect(others.map((other) => fromPublicId(other, toPublicId(type, KEY)))).toEqual(others.map(() => null));
  });

  const good = toPublicId('member', KEY);
  it.each([
    ['nothing', ''],
    ['the prefix alone', 'mem_'],
    ['a key without its prefix', good.slice(4)],
    ['another prefix', good.replace('mem', 'led')],
    ['a prefix in capitals', good.replace('mem', 'MEM')],
    ['the plain key', KEY],
    ['one character too few', good.slice(0, -1)],
    ['one character too many', `${good}0`],
    ['blank space around it', ` ${good}`],
    ['a line feed behind it', `${good}\n`],
    ['a letter that base 32 leaves out', `${good.slice(0, -1)}u`],
    ['capitals', `mem_${good.slice(4).toUpperCase()}`],
    ['more than 128 bits', `mem_8${'z'.repeat(25)}`],
    ['full-width digits', `mem_${'０'.repeat(26)}`],
    ['SQL', `mem_${"'; drop table member".padEnd(26, '-')}`],
  ])('refuse %s', (_what, id) => {
    expect(fromPublicId('member', id)).toBeNull();
  });
});

describe('keys', () => {
  it('come in the order in which they are made', () => {
    const keys = Array.from({ length: 1_000 }, newKey);
    expect([...keys].sort()).toEqual(keys);
    expect(new Set(keys).size).toBe(keys.length);
  });

  it('are derived alike from the same key and name, and differently from others', () => {
    expect(derivedKey(KEY, 'points')).toBe(derivedKey(KEY, 'points'));
    expect(derivedKey(KEY, 'points')).not.toBe(derivedKey(KEY, 'token'));
    expect(derivedKey(KEY, 'points')).not.toBe(derivedKey(newKey(), 'points'));
  });
});

describe('the ids of entries', () => {
  it.each([1n, 35n, 36n, 1_000_000n, BigInt(Number.MAX_SAFE_INTEGER)])('name version %s', (version) => {
    expect(fromEntryId(toEntryId(KEY, version))).toEqual({ ledgerKey: KEY, version });
  });

  const good = toEntryId(KEY, 7n);
  it.each([
    ['a ledger’s id', toPublicId('ledger', KEY)],
    ['no version', good.slice(0, -1)],
    ['neither separator nor version', good.slice(0, -2)],
    ['a version below zero', good.replace(/7$/, '-7')],
    ['a version with a point', good.replace(/7$/, '7.5')],
    ['a version in capitals', good.replace(/7$/, 'A')],
    ['a version that no number holds', good.replace(/7$/, 'zzzzzzzzzzzz')],
    ['an endless version', good.replace(/7$/, '7'.repeat(1_000))],
    ['a broken ledger', `ent_8${'z'.repeat(25)}_7`],
    ['nothing', ''],
  ])('refuse %s', (_what, id) => {
    expect(fromEntryId(id)).toBeNull();
  });
});
