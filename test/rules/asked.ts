import { type AskedMember, type Happening, toFacts } from '../../src/domain/expressions/index.ts';
import type { ClaimedLimit } from '../../src/domain/limits/index.ts';
import type { PinnedProgram } from '../../src/domain/programs/index.ts';
import { decide, explain } from '../../src/domain/rules/decision.policy.ts';
import { askRules } from '../../src/domain/rules/index.ts';

export const MEMBER: AskedMember = {
  memberKey: '0193a1c2-0000-7000-8000-000000000001',
  birthday: '1990-11-20',
  gender: 'FEMALE',
  locale: 'zh-CN',
  region: 'CN-31',
  channel: 'POS',
  store: 'SH-001',
  tagCodes: ['regular'],
  attributes: {},
  enrolledAt: new Date('2026-01-01T00:00:00Z'),
};

export interface AskedOptions {
  readonly member?: AskedMember;
  readonly tier?: { readonly code: string; readonly rank: number };
  readonly happening?: Partial<Happening>;
  readonly now?: Date;
  /** What is used up already, by the limit's subject. */
  readonly used?: Readonly<Record<string, bigint>>;
}

/** The rules' answers to something that happened, as if nothing of their limits were used up. */
export function ask(
  program: PinnedProgram,
  { trigger, amount }: { trigger: string; amount: bigint | null },
  options: AskedOptions = {},
) {
  const now = options.now ?? new Date('2026-11-20T04:00:00Z');
  const member = options.member ?? MEMBER;
  const nothing = { occurredAt: null, channel: null, store: null, orderNumber: null, lines: [] };
  const happening = { ...nothing, ...options.happening, trigger, amount };
  const about = { member, publicId: 'mem_1', happening, tier: options.tier ?? null };
  const facts = () => toFacts(about, now, program.definition.timeZone);
  const proposals = askRules(program, { trigger, amount, memberKey: member.memberKey, facts });
  const claimed = proposals.flatMap(({ limits }) =>
    limits.map((limit): ClaimedLimit => {
      return { ...limit, windowStart: '2026-11-20', used: options.used?.[limit.subject] ?? 0n };
    }),
  );
  const { decisions, taken } = decide(proposals, claimed);
  return {
    decisions,
    taken: taken.map(({ limit, amount: counted }) => [limit.subject, counted] as const),
    credits: decisions.flatMap((decision) =>
      decision.credits.map((credit) => ({
        ...credit,
        rule: decision.rule?.code ?? null,
        explanation: explain(program, decision, [credit]),
      })),
    ),
    explanations: decisions.map((decision) => explain(program, decision, decision.credits)),
    outcomes: decisions.map(({ rule, outcome }) => `${rule?.code} ${outcome}`),
  };
}
