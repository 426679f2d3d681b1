import { type PointsChangeOutput, pointsChange } from '../../extension/index.ts';
import { toPublicId } from '../../kernel/ids.ts';
import { isStorable } from '../../kernel/text.ts';
import { toFacts, toldMember } from '../expressions/index.ts';
import type { PinnedProgram } from '../programs/index.ts';
import type { AskingParts } from './act-asking.ts';
import { findAskedMember } from './asked-member.repository.ts';
import type { OpenChange } from './record-change.repository.ts';

/** Whether anybody keeps records for a tenant. */
export async function isRecordKept(
  { asker }: Pick<AskingParts, 'asker'>,
  tenantKey: string,
): Promise<boolean> {
  return (await asker.find(tenantKey, pointsChange)) !== null;
}

/**
 * Asks whoever keeps the record to change it, with no transaction open.
 * @returns null where nobody answered
 * @throws Refusal EXTENSION_UNAVAILABLE
 */
export async function askForChange(
  { database, asker, tiersOf }: AskingParts,
  program: PinnedProgram,
  change: OpenChange,
): Promise<PointsChangeOutput | null> {
  const { tenantKey, memberKey, operationKey, asset, kind, amount } = change;
  const answerers = await asker.find(tenantKey, pointsChange);
  if (answerers === null) return null;
  const [asked, tiers] = await Promise.all([
    findAskedMember(database.read(tenantKey), tenantKey, memberKey),
    tiersOf(tenantKey, program, [memberKey]),
  ]);
  if (asked === null) throw new Error('A change of a record is about no member.');
  const { now, ...member } = asked;
  const publicId = toPublicId('member', memberKey);
  const tier = tiers.get(memberKey) ?? null;
  const id = toPublicId('operation', operationKey);
  const input = {
    member: toldMember(member, publicId, tier),
    asset,
    operation: { id, kind, ...toldOperation(change) },
    amount: String(amount),
  };
  const [answer] = await answerers.ask(input, {
    ...{ mode: 'LIVE', idempotencyKey: id, subject: publicId, now },
    facts: () => {
      const nothing = { occurredAt: null, channel: null, store: null, orderNumber: null, lines: [] };
      const happening = { trigger: `points_${kind.toLowerCase()}`, amount, ...nothing };
      return toFacts({ member, publicId, happening, tier }, now, program.definition.timeZone);
    },
    judge: (output) => (isStorable(output) ? null : { code: 'OUTPUT_TEXT_INVALID', details: {} }),
  });
  return answer?.output ?? null;
}

function toldOperation({ reversesKey, why, onType, onId }: OpenChange) {
  return {
    reverses: reversesKey === null ? null : toPublicId('operation', reversesKey),
    reason: why,
    reference: onType === null || onId === null ? null : { type: onType, id: onId },
  };
}
