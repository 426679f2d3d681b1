export { EventStream } from './event-stream.ts';
export type { HeldParts } from './held-parts.ts';
export { LiveStreams } from './live-streams.ts';
export { Quota } from './quota.ts';
export { HeldOpen, LiveSocket, SocketSink } from './socket.ts';
export { FORBIDDEN, RETRY_ELSEWHERE, Sweep } from './sweep.ts';
