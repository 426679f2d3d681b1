import * as ws from 'ws';
import type { Rendered } from './rendered.ts';

/** What `ws` frames messages with; its types leave it out. */
interface Framing {
  readonly Sender: { frame(data: Buffer, options: object): readonly Buffer[] };
}
const { Sender } = ws as unknown as Framing;

const TEXT = { fin: true, opcode: 1, rsv1: false, mask: false, readOnly: true };
const END = Buffer.from('}');

interface Template {
  readonly prefixLength: number;
  readonly frame: Buffer;
}

const templates = new WeakMap<Rendered, Template>();

/**
 * An event as the frame of one socket's message. All frames of an event are alike but for the message's id,
 * and most ids are of one length: they are copied from a frame that was made once, and leave in one write.
 */
export function frameOf(rendered: Rendered, prefix: Buffer): Buffer {
  let template = templates.get(rendered);
  if (template?.prefixLength !== prefix.length) {
    const message = Buffer.concat([prefix, rendered.bytes, END]);
    template = { prefixLength: prefix.length, frame: Buffer.concat(Sender.frame(message, TEXT)) };
    templates.set(rendered, template);
  }
  const frame = Buffer.from(template.frame);
  prefix.copy(frame, frame.length - END.length - rendered.bytes.length - prefix.length);
  return frame;
}
