import type { Executor } from '../execute.ts';
import type { GatewayParts } from '../parts.ts';
import type { LiveStreams } from './live-streams.ts';
import type { Sweep } from './sweep.ts';

/** What connections stand on that stay open. */
export interface HeldParts {
  readonly gateway: GatewayParts;
  readonly executor: Executor;
  readonly streams: LiveStreams;
  readonly sweep: Sweep;
}
