/** A point rule as an enterprise uploads it, with a bonus of its own: no two tenants have the same. */
export function scriptOf(bonus: number): string {
  return `const BONUS = ${bonus};
const isTea = (line) => line.category === 'tea';
export default ({ activity, member }) => {
  const count = activity.order?.lines?.filter(isTea).length ?? 0;
  if (count === 0 || member.tier.rank < 2) return { postings: [] };
  return { postings: [{ asset: 'points', amount: String(BONUS * count), reason: 'tea-lovers' }] };
};
`;
}

export function outputOf(bonus: number): string {
  return JSON.stringify({ postings: [{ asset: 'points', amount: String(bonus * 2), reason: 'tea-lovers' }] });
}

export const INPUT = JSON.stringify({
  activity: {
    kind: 'purchase',
    occurredAt: '2026-11-20T08:30:00Z',
    order: {
      number: 'T-20261120-0001',
      lines: Array.from({ length: 6 }, (_, index) => ({
        sku: `SKU-${index}`,
        category: index % 3 === 0 ? 'tea' : 'cake',
        amount: '1280',
        quantity: 1,
      })),
    },
  },
  member: { id: 'mem_01kab3', tier: { code: 'gold', rank: 3 }, tags: ['vip'] },
  proposed: [{ asset: 'points', amount: '76', reason: 'purchase' }],
});
