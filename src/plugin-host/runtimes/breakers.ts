import {
  type CircuitBreakerPolicy,
  CircuitState,
  ConsecutiveBreaker,
  circuitBreaker,
  handleWhenResult,
  isBrokenCircuitError,
} from 'cockatiel';
import { LRUCache } from 'lru-cache';
import { failedAnswer, type RuntimeAnswer } from './runtime.types.ts';

export interface BreakerLimits {
  /** So many failures in a row open a breaker … */
  readonly failures: number;
  /** … for so long; then one call is let through to try. */
  readonly breakMs: number;
}

const REMEMBERED = 10_000;

interface Weighed {
  readonly answer: RuntimeAnswer;
  readonly isFailure: boolean;
}

/** A breaker for each code that runs here; a webhook's is its connection's. */
export class Breakers {
  readonly #limits: BreakerLimits;
  readonly #breakers = new LRUCache<string, CircuitBreakerPolicy>({ max: REMEMBERED });

  constructor(limits: BreakerLimits) {
    this.#limits = limits;
  }

  isBroken(key: string): boolean {
    return (this.#breakers.get(key)?.state ?? CircuitState.Closed) !== CircuitState.Closed;
  }

  /** @param isFailure what counts */
  async run(
    key: string,
    work: () => Promise<RuntimeAnswer>,
    isFailure: (answer: RuntimeAnswer) => boolean,
  ): Promise<RuntimeAnswer> {
    const breaker = this.#breakerOf(key);
    // One probe at a time: the others don't wait for what it finds.
    if (breaker.state === CircuitState.HalfOpen) return broken();
    try {
      const { answer } = await breaker.execute(async (): Promise<Weighed> => {
        const answered = await work();
        return { answer: answered, isFailure: isFailure(answered) };
      });
      return answer;
    } catch (error) {
      if (isBrokenCircuitError(error)) return broken();
      throw error;
    }
  }

  #breakerOf(key: string): CircuitBreakerPolicy {
    const known = this.#breakers.get(key);
    if (known !== undefined) return known;
    const breaker = circuitBreaker(
      handleWhenResult((weighed) => (weighed as Weighed).isFailure),
      { halfOpenAfter: this.#limits.breakMs, breaker: new ConsecutiveBreaker(this.#limits.failures) },
    );
    this.#breakers.set(key, breaker);
    return breaker;
  }
}

function broken(): RuntimeAnswer {
  return failedAnswer('BREAKER_OPEN', { code: 'EXTENSION_BREAKER_OPEN', details: {} });
}
