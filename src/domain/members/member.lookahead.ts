import { type FieldNode, type GraphQLResolveInfo, Kind, type ValueNode } from 'graphql';
import { splitDuration } from '../../kernel/calendar.ts';
import type { BenefitLoaders, GrantStatus } from '../benefits/index.ts';
import { isBriefEntryPage, type LedgerLoaders, ledgerKeyOf } from '../ledgers/index.ts';
import type { PinnedProgram } from '../programs/index.ts';
import { type Fragments, fieldsOf } from '../shared/index.ts';
import type { TierLoaders } from '../tiers/index.ts';

/** What an operation will ask of a member's ledgers, as its document says. */
interface LedgerWish {
  /** One asset, or null for all of them. */
  readonly asset: ValueNode | null;
  readonly firstEntries: ValueNode | null;
  readonly wantsBriefEntries: boolean;
  readonly expiringWithin: ValueNode | null;
}

interface MemberWish {
  readonly wantsLedgers: boolean;
  readonly wantsTier: boolean;
  readonly wantsTierStatus: boolean;
  /** The first page of granted benefits, when it is asked for. */
  readonly grants: { readonly first: ValueNode | null; readonly status: ValueNode | null } | null;
  readonly ledgers: readonly LedgerWish[];
}

const wishes = new WeakMap<FieldNode, MemberWish>();

function argument(node: FieldNode | undefined, name: string): ValueNode | null {
  return node?.arguments?.find((one) => one.name.value === name)?.value ?? null;
}

function readWish(member: FieldNode, fragments: Fragments): MemberWish {
  const fields = fieldsOf(member.selectionSet, fragments);
  const ledgers = fields
    .filter(({ name }) => name.value === 'ledger' || name.value === 'ledgers')
    .map((field): LedgerWish => {
      const inner = fieldsOf(field.selectionSet, fragments);
      const entries = inner.find((one) => one.name.value === 'entries' && argument(one, 'after') === null);
      return {
        asset: argument(field, 'asset'),
        firstEntries: argument(entries, 'first'),
        wantsBriefEntries: entries !== undefined && isBriefEntryPage({ fieldNodes: [entries], fragments }),
        expiringWithin: argument(
          inner.find(({ name }) => name.value === 'expiring'),
          'within',
        ),
      };
    });
  const grants = fields.find(({ name }) => name.value === 'grants');
  return {
    grants:
      grants === undefined || argument(grants, 'after') !== null
        ? null
        : { first: argument(grants, 'first'), status: argument(grants, 'status') },
    wantsLedgers: fields.some(({ name }) => name.value === 'ledgers'),
    wantsTier: fields.some(({ name }) => name.value === 'tier'),
    wantsTierStatus: fields.some(({ name }) => name.value === 'tierStatus'),
    ledgers,
  };
}

function readValue(node: ValueNode | null, variables: Record<string, unknown>): unknown {
  if (node === null) return null;
  if (node.kind === Kind.VARIABLE) return variables[node.name.value];
  if (node.kind === Kind.INT) return Number(node.value);
  return node.kind === Kind.STRING || node.kind === Kind.ENUM ? node.value : null;
}

/**
 * Asks the loaders at once for what the operation will ask them later, field by field, so that a member card
 * is one round trip and not three. What is asked in vain is only read in vain: the loaders remember by key.
 * @param knowsTier whether the member came with their tier
 */
export function prefetch(
  memberKey: string,
  { fieldNodes, fragments, variableValues }: GraphQLResolveInfo,
  program: PinnedProgram,
  loaders: {
    readonly ledgers: LedgerLoaders;
    readonly benefits: BenefitLoaders;
    readonly tiers: TierLoaders;
  },
  knowsTier = false,
): void {
  const [field] = fieldNodes;
  if (field === undefined) return;
  const wish = wishes.get(field) ?? readWish(field, fragments);
  wishes.set(field, wish);
  const asked: Promise<unknown>[] = [];
  if (wish.wantsLedgers) asked.push(loaders.ledgers.ledgersOfMember.load(memberKey));
  const wantsStanding = wish.wantsTierStatus || (wish.wantsTier && !knowsTier);
  if (wantsStanding) asked.push(loaders.tiers.standing.load(memberKey));
  for (const ledger of wish.ledgers)
    askLedger(memberKey, ledger, variableValues, program, loaders.ledgers, asked);
  const first = readValue(wish.grants?.first ?? null, variableValues);
  if (typeof first === 'number') {
    const status = (readValue(wish.grants?.status ?? null, variableValues) ?? null) as GrantStatus | null;
    asked.push(loaders.benefits.grantPage.load({ memberKey, status, first, after: null }));
  }
  // Whoever needs one of them hears of its failure then.
  for (const one of asked) one.catch(() => undefined);
}

function askLedger(
  memberKey: string,
  { asset, firstEntries, wantsBriefEntries: isBrief, expiringWithin }: LedgerWish,
  variables: Record<string, unknown>,
  program: PinnedProgram,
  loaders: LedgerLoaders,
  asked: Promise<unknown>[],
): void {
  const one = readValue(asset, variables);
  const codes = typeof one === 'string' ? [one] : [...program.assets.keys()];
  const first = readValue(firstEntries, variables);
  const within = readValue(expiringWithin, variables);
  for (const code of codes) {
    const ledgerKey = ledgerKeyOf(memberKey, code);
    if (typeof one === 'string') asked.push(loaders.ledger.load(ledgerKey));
    if (typeof first === 'number') {
      asked.push(loaders.entryPage.load({ ledgerKey, before: null, first, isBrief }));
    }
    if (typeof within !== 'string') continue;
    const { timeZone } = program.definition;
    asked.push(loaders.expiring.load({ ledgerKey, timeZone, ...splitDuration(within) }));
  }
}
