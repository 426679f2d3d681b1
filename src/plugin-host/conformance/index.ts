import { type CheckName, checksOf } from './checks.ts';
import { Probe, type Receiver, type Seen } from './probe.ts';

/** What came of one check. */
export interface Checked {
  readonly name: CheckName;
  /** What was seen instead of what must be; null where it is as it must be. */
  readonly seen: Seen | null;
}

/**
 * Holds a receiver of webhooks against what the product asks of one. It is asked as TEST, SHADOW and DRY_RUN
 * alone, unless `live`. Where nobody answers at all, it ends with the first check.
 * @param tell hears each check as soon as it is made
 * @throws WebhookFaultError when the address is no URL of http or https
 */
export async function checkReceiver(
  receiver: Receiver & { readonly live?: boolean },
  tell: (checked: Checked) => void,
): Promise<{ readonly made: number; readonly failed: number }> {
  const probe = new Probe(receiver);
  let made = 0;
  let failed = 0;
  try {
    for (const { name, run } of checksOf(receiver.point.name, receiver.live ?? false)) {
      const seen = await run(probe);
      made += 1;
      if (seen !== null) failed += 1;
      tell({ name, seen });
      if (made === 1 && seen !== null && seen.status === null && seen.why?.code !== 'WEBHOOK_TIMEOUT') break;
    }
    return { made, failed };
  } finally {
    await probe.close();
  }
}
