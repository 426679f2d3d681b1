import type { PinnedProgram } from '../domain/programs/index.ts';
import { announceChanges, findUnannounced, type UnannouncedChange } from '../domain/tiers/index.ts';
import { toPublicId } from '../kernel/ids.ts';
import type { Database } from '../persistence/index.ts';
import { type RecordingParts, recordOwnActivities } from './own-activities.ts';

const TYPE = 'tier_change';
const CHANGES_A_READ = 200;

/**
 * Asks the rules about each change of a tier that they were not asked about yet, in an activity of its own;
 * where no rule answers to changes of tiers, that is said without one. Two that run at once ask once, because
 * the activity's key comes from the change.
 * @returns what failed, after all were tried
 */
export async function announceTierChanges(
  parts: RecordingParts & { readonly database: Database },
  tenantKey: string,
  { definition }: PinnedProgram,
): Promise<readonly unknown[]> {
  const { database } = parts;
  const isAnswered = definition.rules.some(({ trigger }) => trigger === TYPE);
  const failures: unknown[] = [];
  for (let after: string | null = null; ; ) {
    const changes: UnannouncedChange[] = await findUnannounced(
      database.read(tenantKey),
      tenantKey,
      after,
      CHANGES_A_READ,
    );
    if (changes.length === 0) return failures;
    const keys = new Map(changes.map(({ changeKey }) => [activityKeyOf(changeKey), changeKey]));
    const wanted = changes.map(({ changeKey, memberKey }) => ({
      idempotencyKey: activityKeyOf(changeKey),
      memberKey,
      type: TYPE,
    }));
    const { done, failures: failed } = isAnswered
      ? await recordOwnActivities(parts, tenantKey, wanted)
      : { done: wanted, failures: [] };
    failures.push(...failed);
    const announced = done.flatMap(({ idempotencyKey }) => keys.get(idempotencyKey) ?? []);
    if (announced.length > 0)
      await database.transaction(tenantKey, (tx) => announceChanges(tx, tenantKey, announced));
    after = changes.at(-1)?.changeKey ?? null;
  }
}

function activityKeyOf(changeKey: string): string {
  return `tier-change:${toPublicId('tierChange', changeKey)}`;
}
