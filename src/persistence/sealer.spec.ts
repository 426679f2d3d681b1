import { randomBytes } from 'node:crypto';
import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Sealer, UnreadableSeal } from './sealer.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'membergraph-sealer-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const newKey = (): string => randomBytes(32).toString('base64');

describe('the sealer', () => {
  it('opens what was sealed by the same key, and by no other', async () => {
    const key = newKey();
    const sealed = await Sealer.of([key], folder).seal('林小满 +8613800138000');
    expect(sealed).not.toContain('13800138000');
    expect(await Sealer.of([key], folder).open(sealed)).toBe('林小满 +8613800138000');
    await expect(Sealer.of([newKey()], folder).open(sealed)).rejects.toThrow(UnreadableSeal);
    await expect(Sealer.of([key], folder).open(`${sealed.slice(0, -4)}AAAA`)).rejects.toThrow(UnreadableSeal);
    expect(await readdir(folder)).toEqual([]);
  });

  it('seals by the first of several keys, and opens by each', async () => {
    const [old, next] = [newKey(), newKey()];
    const before = await Sealer.of([old], folder).seal('before');
    const sealer = Sealer.of([next, old], folder);
    const after = await sealer.seal('after');
    expect([await sealer.open(before), await sealer.open(after)]).toEqual(['before', 'after']);
    expect(await Sealer.of([next], folder).open(after)).toBe('after');
    await expect(Sealer.of([old], folder).open(after)).rejects.toThrow(UnreadableSeal);
  });

  it('seals the same text differently each time', async () => {
    const sealer = Sealer.of([newKey()], folder);
    expect(await sealer.seal('x')).not.toBe(await sealer.seal('x'));
  });

  it('makes a key of its own once, whoever is first, that only its owner reads', async () => {
    const sealers = Array.from({ length: 8 }, () => Sealer.of([], join(folder, 'data')));
    const sealed = await Promise.all(sealers.map((sealer, index) => sealer.seal(String(index))));
    const later = Sealer.of([], join(folder, 'data'));
    expect(await Promise.all(sealed.map((one) => later.open(one)))).toEqual([...'01234567']);
    expect(await readdir(join(folder, 'data'))).toEqual(['encryption-key']);
    expect((await stat(join(folder, 'data', 'encryption-key'))).mode & 0o777).toBe(0o600);
  });

  it('says so where the file holds no key', async () => {
    await writeFile(join(folder, 'encryption-key'), 'short');
    await expect(Sealer.of([], folder).ready()).rejects.toThrow('no key of 32 bytes');
    await expect(Sealer.of([], folder).seal('x')).rejects.toThrow('no key of 32 bytes');
  });
});
