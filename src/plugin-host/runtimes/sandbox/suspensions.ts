import { LRUCache } from 'lru-cache';

/** What a tenant's code did to its worker, and how much that counts. */
const WEIGHTS = { KILLED: 10, LATE: 3 };
const MOST = 30;
const FORGOTTEN_AFTER_MS = 300_000;
const TENANTS = 10_000;

/**
 * Who isn't asked for a while: a tenant whose code was killed three times, or ran into its deadline ten
 * times. Afterwards it has one try, not all of them again, until five minutes went well.
 */
export class Suspensions {
  readonly #suspensionMs: number;
  readonly #strikes = new LRUCache<string, { readonly weight: number; readonly until: number }>({
    max: TENANTS,
    ttl: FORGOTTEN_AFTER_MS,
  });

  constructor(suspensionMs: number) {
    this.#suspensionMs = suspensionMs;
  }

  strike(tenantKey: string, did: keyof typeof WEIGHTS): void {
    const weight = (this.#strikes.get(tenantKey)?.weight ?? 0) + WEIGHTS[did];
    if (weight < MOST) this.#strikes.set(tenantKey, { weight, until: 0 });
    else {
      const until = performance.now() + this.#suspensionMs;
      this.#strikes.set(tenantKey, { weight: MOST - 1, until });
    }
  }

  /** Whose code did so lately at all. */
  isSuspect(tenantKey: string): boolean {
    return this.#strikes.has(tenantKey);
  }

  isSuspended(tenantKey: string): boolean {
    return (this.#strikes.get(tenantKey)?.until ?? 0) > performance.now();
  }
}
