import { createHash } from 'node:crypto';

/** An operation with all that it wrote for good, each row a JSON text with a fixed order of columns. */
export interface ChainContent {
  readonly operationKey: string;
  /** Of its first entry, in the tenant's feed. */
  readonly position: bigint;
  /** Null when there are entries of it, and no operation. */
  readonly operation: string | null;
  readonly entries: readonly string[];
  readonly lots: readonly string[];
  readonly allocations: readonly string[];
  readonly legs: readonly string[];
  /** Holds that it made, and what it gave to holds and took from them. */
  readonly holds: readonly string[];
}

/** What one entry did to one account of the program; its names are JSON texts. */
export interface EntryLeg {
  readonly operationKey: string;
  readonly asset: string;
  readonly account: string;
  readonly amount: bigint;
}

/** One operation as it was sealed. */
export interface ChainLink {
  readonly position: bigint;
  readonly operationKey: string;
  /** Whole, or as much of it as is kept. */
  readonly hash: Buffer;
}

/** Operations that were sealed together, as they are stored. */
export interface ChainRun {
  /** Of the first one. */
  readonly position: bigint;
  readonly operationKeys: readonly string[];
  /** How far behind the first one's position each of them is. */
  readonly offsets: readonly number[];
  /** The beginning of each one's hash, and the last one's whole. */
  readonly hashes: Buffer;
}

/** The first operation that is not what was sealed. */
export interface ChainFault {
  readonly operationKey: string;
  readonly position: bigint;
  /** CHANGED: its content; MISSING: it is gone; FOREIGN: it came in between; MOVED: another is there. */
  readonly what: 'CHANGED' | 'MISSING' | 'FOREIGN' | 'MOVED';
}

const VERSION = 1;
const HASH_BYTES = 32;
/** They say which one was changed; that something was, the whole hash of the run says. */
const MARK_BYTES = 16;

/** What comes before a tenant's first operation. */
export function firstHash(tenantKey: string): Buffer {
  return createHash('sha256').update(`membergraph ${tenantKey}`).digest();
}

/** One JSON text for one content, whichever order its rows were read in. */
export function canonicalOf(content: ChainContent): string {
  const { operation, entries, lots, allocations, legs, holds } = content;
  const list = (texts: readonly string[]): string => `[${[...texts].sort().join(',')}]`;
  return (
    `{"v":${VERSION},"position":${content.position},"operation":${operation},"entries":${list(entries)},` +
    `"lots":${list(lots)},"allocations":${list(allocations)},"legs":${list(legs)}` +
    `${holds.length === 0 ? '' : `,"holds":${list(holds)}`}}`
  );
}

/**
 * What an operation did to the program's accounts, as it is sealed: one text for an account in an asset, with
 * the position and the moment (a JSON text) of the operation's first entry, and none where it came to nothing.
 */
export function legTexts(
  first: { readonly position: bigint; readonly recordedAt: string },
  legs: readonly EntryLeg[],
): string[] {
  const sums = new Map<string, bigint>();
  for (const { asset, account, amount } of legs) {
    const name = `${asset}, ${account}`;
    sums.set(name, (sums.get(name) ?? 0n) + amount);
  }
  return [...sums].flatMap(([name, sum]) =>
    sum === 0n ? [] : [`[${first.position}, ${name}, ${sum}, ${first.recordedAt}]`],
  );
}

function hashOf(before: Buffer, content: ChainContent): Buffer {
  return createHash('sha256').update(before).update(canonicalOf(content)).digest();
}

/** The links that follow a hash, in the order of the feed. */
export function linkAll(before: Buffer, contents: readonly ChainContent[]): ChainLink[] {
  let last = before;
  return contents.map((content) => {
    last = hashOf(last, content);
    return { position: content.position, operationKey: content.operationKey, hash: last };
  });
}

/** The links of a page as one row. */
export function runOf(links: readonly ChainLink[]): ChainRun {
  const position = links[0]?.position ?? 0n;
  const last = links.length - 1;
  return {
    position,
    operationKeys: links.map(({ operationKey }) => operationKey),
    offsets: links.map((link) => Number(link.position - position)),
    hashes: Buffer.concat(links.map(({ hash }, index) => hash.subarray(0, bytesKept(index === last)))),
  };
}

/** The links of a row. One that was written by hand may lack parts, which then are like no operation's. */
export function linksOf({ position, operationKeys, offsets, hashes }: ChainRun): ChainLink[] {
  const last = operationKeys.length - 1;
  return operationKeys.map((operationKey, index) => {
    const start = index * MARK_BYTES;
    const hash = hashes.subarray(start, start + bytesKept(index === last));
    return { position: position + BigInt(offsets[index] ?? 0), operationKey, hash };
  });
}

function bytesKept(isLast: boolean): number {
  return isLast ? HASH_BYTES : MARK_BYTES;
}

/** Compares what is sealed with the links of what there is now; the first difference, or null. */
export function findFault(sealed: readonly ChainLink[], found: readonly ChainLink[]): ChainFault | null {
  for (let index = 0; index < Math.max(sealed.length, found.length); index += 1) {
    const link = sealed[index];
    const now = found[index];
    if (link === undefined || (now !== undefined && now.position < link.position))
      return now === undefined ? null : faultOf(now, 'FOREIGN');
    if (now === undefined || now.position > link.position) return faultOf(link, 'MISSING');
    if (now.operationKey !== link.operationKey) return faultOf(link, 'MOVED');
    if (!isOf(now.hash, link)) return faultOf(link, 'CHANGED');
  }
  return null;
}

/** Whether a hash is the one of which this much is kept. */
function isOf(hash: Buffer, { hash: kept }: ChainLink): boolean {
  return kept.length >= MARK_BYTES && hash.subarray(0, kept.length).equals(kept);
}

function faultOf({ operationKey, position }: ChainLink, what: ChainFault['what']): ChainFault {
  return { operationKey, position, what };
}
