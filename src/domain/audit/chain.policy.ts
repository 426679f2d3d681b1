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

/** One link as it is stored. */
export interface ChainLink {
  readonly position: bigint;
  readonly operationKey: string;
  readonly hash: Buffer;
}

/** The first operation that is not what was sealed. */
export interface ChainFault {
  readonly operationKey: string;
  readonly position: bigint;
  /** CHANGED: its content; MISSING: it is gone; FOREIGN: it came in between; MOVED: another is there. */
  readonly what: 'CHANGED' | 'MISSING' | 'FOREIGN' | 'MOVED';
}

const VERSION = 1;

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

export function hashOf(before: Buffer, content: ChainContent): Buffer {
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

/** Compares what is sealed with what there is now; the first difference, or null. */
export function findFault(
  before: Buffer,
  links: readonly ChainLink[],
  contents: readonly ChainContent[],
): ChainFault | null {
  let last = before;
  for (let index = 0; index < Math.max(links.length, contents.length); index += 1) {
    const link = links[index];
    const content = contents[index];
    if (link === undefined || (content !== undefined && content.position < link.position))
      return content === undefined ? null : faultOf(content, 'FOREIGN');
    if (content === undefined || content.position > link.position) return faultOf(link, 'MISSING');
    if (content.operationKey !== link.operationKey) return faultOf(link, 'MOVED');
    if (!hashOf(last, content).equals(link.hash)) return faultOf(link, 'CHANGED');
    last = link.hash;
  }
  return null;
}

function faultOf({ operationKey, position }: ChainLink | ChainContent, what: ChainFault['what']): ChainFault {
  return { operationKey, position, what };
}
