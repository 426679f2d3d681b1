import { type CaughtUp, catchUp, type JobParts } from './daily.ts';

/** A tenant that was caught up with, or why it was not. */
export type TenantRound = { readonly code: string } & (
  | { readonly caughtUp: CaughtUp }
  | { readonly error: unknown }
);

/** Catches up with every tenant that has a program; one that fails doesn't stop the others. */
export async function catchUpAll(parts: JobParts): Promise<readonly TenantRound[]> {
  const rounds: TenantRound[] = [];
  for (const { key, code } of await parts.tenants.list()) {
    try {
      const facts = await parts.tenants.facts(key);
      if (facts === null || facts.programVersion === null) continue;
      rounds.push({ code, caughtUp: await catchUp(parts, key) });
    } catch (error) {
      rounds.push({ code, error });
    }
  }
  return rounds;
}
