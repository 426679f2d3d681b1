import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { MirrorOutcome } from '../domain/reconciliation/index.ts';
import type { PartRun } from '../plugin-host/index.ts';
import type { Admitted } from './guard/index.ts';

/** What Prometheus is told. Labels are bounded: operation types and plugins, never tenants. */
export class Metrics {
  readonly registry = new Registry();
  readonly #mirrors = countMirrors(this.registry);
  readonly #seconds: Histogram<'operation'>;
  readonly #sockets: Gauge;
  readonly #streams: Gauge;
  readonly #shown: Counter;
  readonly #slow: Counter;
  readonly #failures: Counter<'point'>;
  readonly #lostCalls: Counter;
  readonly #droppedShadows: Counter;
  readonly #blockedSeconds: Counter<'plugin'>;
  readonly #pluginSeconds: Histogram<'plugin' | 'part' | 'outcome'>;
  readonly #quarantined: Gauge;
  readonly #bus: Gauge<'bus'>;
  readonly #deliveries: Counter<'outcome'>;
  #countBacklog: () => Promise<number> = () => Promise.resolve(0);

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
    this.#streams = new Gauge({
      name: 'membergraph_streams',
      help: 'Subscriptions that are open, over whatever transport.',
      registers: [this.registry],
    });
    this.#shown = new Counter({
      name: 'membergraph_events_shown_total',
      help: 'Events that were executed for subscribers, once for all who ask the same.',
      registers: [this.registry],
    });
    this.#slow = new Counter({
      name: 'membergraph_streams_too_slow_total',
      help: 'Subscriptions that were ended, since what they were sent was not read.',
      registers: [this.registry],
    });
    this.#lostCalls = new Counter({
      name: 'membergraph_extension_calls_lost_total',
      help: 'Calls of extensions that could not be kept.',
      registers: [this.registry],
    });
    this.#failures = new Counter({
      name: 'membergraph_extension_failures_total',
      help: 'Calls of extensions that failed, by extension point.',
      labelNames: ['point'],
      registers: [this.registry],
    });
    this.#droppedShadows = new Counter({
      name: 'membergraph_extension_shadows_dropped_total',
      help: 'Shadow calls that were not made, since their tenant had too many under way.',
      registers: [this.registry],
    });
    this.#blockedSeconds = new Counter({
      name: 'membergraph_plugin_blocked_seconds_total',
      help: 'How long plugins have blocked the event loop, from 250 ms on; "?" where it may be one of several.',
      labelNames: ['plugin'],
      registers: [this.registry],
    });
    this.#pluginSeconds = new Histogram({
      name: 'membergraph_plugin_part_seconds',
      help: 'How long fields, listeners and jobs of plugins take; outcome: ok, threw, late.',
      labelNames: ['plugin', 'part', 'outcome'],
      buckets: [0.001, 0.005, 0.025, 0.1, 0.5, 2.5, 10, 60],
      registers: [this.registry],
    });
    this.#deliveries = new Counter({
      name: 'membergraph_event_deliveries_total',
      help: 'Attempts at telling endpoints of events, by outcome: delivered, failed, dead.',
      labelNames: ['outcome'],
      registers: [this.registry],
    });
    const countBacklog = (): Promise<number> => this.#countBacklog();
    new Gauge({
      name: 'membergraph_event_backlog',
      help: 'Events that wait to be told to endpoints, of the tenants that this process tells for.',
      registers: [this.registry],
      async collect() {
        this.set(await countBacklog());
      },
    });
    this.#quarantined = new Gauge({
      name: 'membergraph_plugins_quarantined',
      help: 'Optional plugins that could not be loaded.',
      registers: [this.registry],
    });
    this.#bus = new Gauge({
      name: 'membergraph_bus_up',
      help: 'Whether the bus between gateways is there: 1 or 0. None where there is no bus.',
      labelNames: ['bus'],
      registers: [this.registry],
    });
  }

  callsLost(calls: number): void {
    this.#lostCalls.inc(calls);
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

  streamOpened(): void {
    this.#streams.inc();
  }

  streamClosed(): void {
    this.#streams.dec();
  }

  eventShown(): void {
    this.#shown.inc();
  }

  streamTooSlow(): void {
    this.#slow.inc();
  }

  shadowDropped(): void {
    this.#droppedShadows.inc();
  }

  eventLoopBlocked([plugin, ...others]: readonly string[], seconds: number): void {
    this.#blockedSeconds.inc({ plugin: others.length === 0 ? (plugin ?? '?') : '?' }, seconds);
  }

  pluginRan({ plugin, what, outcome, seconds }: PartRun): void {
    this.#pluginSeconds.observe({ plugin, part: what, outcome }, seconds);
  }

  eventTold(outcome: 'delivered' | 'failed' | 'dead'): void {
    this.#deliveries.inc({ outcome });
  }

  mirrorCompared(outcome: MirrorOutcome): void {
    this.#mirrors.inc({ outcome: outcome.toLowerCase() });
  }

  /** @param count how many events wait, asked whenever somebody reads the metrics */
  watchBacklog(count: () => Promise<number>): void {
    this.#countBacklog = count;
  }

  pluginsQuarantined(count: number): void {
    this.#quarantined.set(count);
  }

  busIsThere(bus: string, isThere: boolean): void {
    this.#bus.set({ bus }, isThere ? 1 : 0);
  }

  extensionFailed(point: string): void {
    this.#failures.inc({ point });
  }
}

function countMirrors(registry: Registry): Counter<'outcome'> {
  return new Counter({
    name: 'membergraph_mirrors_compared_total',
    help: 'Mirrors held against the records that other systems keep, by outcome: agrees, seen, confirmed, busy, unanswered; adopted.',
    labelNames: ['outcome'],
    registers: [registry],
  });
}
