import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { Admitted } from './guard/index.ts';

/** What Prometheus is told. Labels are bounded: operation types, never names, ids or tenants. */
export class Metrics {
  readonly registry = new Registry();
  readonly #seconds: Histogram<'operation'>;
  readonly #sockets: Gauge;
  readonly #failures: Counter<'point'>;

  constructor() {
    collectDefaultMetrics({ register: this.registry });
    this.#seconds = new Histogram({
      name: 'membergraph_operation_seconds',
      help: 'How long GraphQL operations over HTTP take.',
      labelNames: ['operation'],
      buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5],
      registers: [this.registry],
    });
    this.#sockets = new Gauge({
      name: 'membergraph_websockets',
      help: 'WebSockets that are open.',
      registers: [this.registry],
    });
    this.#failures = new Counter({
      name: 'membergraph_extension_failures_total',
      help: 'Calls of extensions that failed, by extension point.',
      labelNames: ['point'],
      registers: [this.registry],
    });
  }

  operation({ operation }: Admitted, seconds: number): void {
    this.#seconds.observe({ operation: operation.operation }, seconds);
  }

  socketOpened(): void {
    this.#sockets.inc();
  }

  socketClosed(): void {
    this.#sockets.dec();
  }

  extensionFailed(point: string): void {
    this.#failures.inc({ point });
  }
}
