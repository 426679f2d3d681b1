import { z } from 'zod';
import { answers, definePlugin, extensionPoints } from '../../src/extension/index.ts';
import type { Json } from './gateway.ts';

export const APPROVAL = { decision: 'APPROVE', reference: { type: 'from-extension', id: '1' } } as const;

/** Of every member who is asked about, the same. */
const READ = ({ members }: { members: { member: { id: string } }[] }) => ({
  profiles: members.map(({ member: { id } }) => ({
    memberId: id,
    profile: { displayName: 'FROM-EXTENSION' },
  })),
});

/** What the extension of each point answers here. */
export const ANSWERS = {
  'member.create': { decision: 'APPROVE', tags: ['from-extension'] },
  'member.update': { decision: 'APPROVE', attributes: { from: 'extension' } },
  'member.code': { code: 'FROM-EXTENSION' },
  'member.read': READ,
  'activity.validate': { decision: 'REFUSE', reason: 'from-extension' },
  'points.rule': { postings: [{ asset: 'token', amount: '7', reason: 'from-extension' }] },
  'growth.rule': { postings: [{ asset: 'growth', amount: '7', reason: 'from-extension' }] },
  'benefit.rule': { eligible: true, effect: { kind: 'GIFT', value: 'FROM-EXTENSION' } },
  'points.redeem': APPROVAL,
  'points.hold': APPROVAL,
  'points.release': APPROVAL,
  'points.reverse': APPROVAL,
  'points.expire': { reference: APPROVAL.reference },
  'points.change': { ...APPROVAL, decision: 'DONE' },
  'benefit.use': { decision: 'APPROVE', value: 'FROM-EXTENSION' },
  'storedvalue.topup': APPROVAL,
  'tier.evaluate': { tier: 'host', reason: 'from-extension' },
  'tier.set': { decision: 'APPROVE', tier: 'silver' },
  'tier.list': { tiers: [{ code: 'gold', name: 'FROM-EXTENSION' }] },
  'points.read': { available: '777' },
  'growth.read': { current: '777' },
} as const;

const configuration = z.object({ isOn: z.boolean().default(false) });
type Configuration = z.infer<typeof configuration>;

export function answerTo(point: string, input: Json): unknown {
  const answer = ANSWERS[point as keyof typeof ANSWERS];
  return typeof answer === 'function' ? answer(input) : answer;
}

/** Answers as above where a tenant registered it so, and neutrally everywhere else. */
export const plugin = definePlugin({
  id: 'everything',
  version: 4,
  description: 'Answers every extension point.',
  configuration,
  answers: extensionPoints.map((point) =>
    answers(point, (input, { configuration: { isOn } }: { configuration: Configuration }) =>
      isOn ? answerTo(point.name, input) : point.neutral,
    ),
  ),
});
