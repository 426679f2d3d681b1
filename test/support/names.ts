import { createSocket } from 'node:dgram';
import type { LookupAddress } from 'node:dns';
import { Resolver } from 'node:dns/promises';
import { once } from 'node:events';

const HEADER_BYTES = 12;

/**
 * A name server that answers by whatever the test says at the moment, with a time to live of 0: how a name is
 * public when it is checked and private when it is connected to.
 */
export async function startNames(answers: () => readonly string[]) {
  const server = createSocket('udp4');
  let asked = 0;
  server.on('message', (question, { address, port }) => {
    asked += 1;
    server.send(reply(question, answers()), port, address);
  });
  server.bind(0, '127.0.0.1');
  await once(server, 'listening');
  // It answers every question, if a busy machine lets it.
  const resolver = new Resolver({ timeout: 10_000, tries: 1 });
  resolver.setServers([`127.0.0.1:${server.address().port}`]);
  return {
    asked: () => asked,
    resolve: async (host: string): Promise<LookupAddress[]> =>
      (await resolver.resolve4(host)).map((address) => ({ address, family: 4 })),
    close: () => new Promise<void>((resolve) => server.close(resolve)),
  };
}

/** An answer with one A record for each address, or, without any, that there is no such name. */
function reply(question: Buffer, addresses: readonly string[]): Buffer {
  const nameEnd = question.indexOf(0, HEADER_BYTES) + 1;
  const head = Buffer.alloc(HEADER_BYTES);
  question.copy(head, 0, 0, 2);
  head.writeUInt16BE(addresses.length > 0 ? 0x8180 : 0x8183, 2);
  head.writeUInt16BE(1, 4);
  head.writeUInt16BE(addresses.length, 6);
  const records = addresses.map((address) =>
    // A pointer to the name asked for, type A, class IN, time to live 0, four bytes.
    Buffer.from([0xc0, HEADER_BYTES, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4, ...address.split('.').map(Number)]),
  );
  return Buffer.concat([head, question.subarray(HEADER_BYTES, nameEnd + 4), ...records]);
}
