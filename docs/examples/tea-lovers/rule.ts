// Uploaded as it is (language TYPESCRIPT): types are left out, so the code names its own and imports nothing.
// What it may be asked and may answer: docs/extension-points/points.rule.md.

interface Money {
  value: string;
  currency: string;
}

interface Line {
  category: string | null;
  amount: Money;
}

interface Input {
  activity: { type: string; amount: Money | null; order: { lines: Line[] } | null };
  member: { tier: { rank: number } };
  proposed: { asset: string; amount: string }[];
}

interface Output {
  postings: { asset: string; amount: string; reason: string }[];
}

const ASSET = 'points';
const CATEGORY = 'tea';
const FROM_RANK = 2;
const NOTHING: Output = { postings: [] };

/** Millionths of the currency: whole numbers, however many decimals the currency has. */
function toMillionths({ value }: Money): bigint {
  const [whole = '', decimals = ''] = value.split('.');
  return BigInt(whole + decimals.padEnd(6, '0'));
}

/** From the second tier on, tea counts twice: what the rules give for it is given once more. */
export default function teaLovers({ activity, member, proposed }: Input): Output {
  if (activity.type !== 'purchase' || member.tier.rank < FROM_RANK || activity.amount === null)
    return NOTHING;
  const lines = activity.order?.lines ?? [];
  const tea = lines
    .filter(({ category }) => category === CATEGORY)
    .reduce((sum, { amount }) => sum + toMillionths(amount), 0n);
  const total = toMillionths(activity.amount);
  const given = proposed
    .filter(({ asset }) => asset === ASSET)
    .reduce((sum, { amount }) => sum + BigInt(amount), 0n);
  if (tea <= 0n || total <= 0n) return NOTHING;
  // The tea's share of what is given, the part of a point dropped.
  const more = (given * (tea < total ? tea : total)) / total;
  console.log('tea', tea, 'of', total, 'gives', more, 'more');
  return more > 0n ? { postings: [{ asset: ASSET, amount: String(more), reason: 'tea-lovers' }] } : NOTHING;
}
