import type { Secrets } from '../../extension/index.ts';
import { type Sealer, UnreadableSeal } from '../../persistence/index.ts';

export async function sealSecrets(sealer: Sealer, secrets: Secrets): Promise<Buffer> {
  return Buffer.from(await sealer.seal(JSON.stringify(secrets)));
}

/** Null where they were sealed by a key that isn't here. */
export async function openSecrets(sealer: Sealer, sealed: Buffer | null): Promise<Secrets | null> {
  if (sealed === null) throw new Error('A webhook has no secrets.');
  try {
    return JSON.parse(await sealer.open(sealed.toString())) as Secrets;
  } catch (error) {
    if (error instanceof UnreadableSeal) return null;
    throw error;
  }
}
