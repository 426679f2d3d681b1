import { createServer, type IncomingMessage } from 'node:http';
import { parentPort } from 'node:worker_threads';

/** What an extension answers that has nothing to think about. It runs in a thread of its own. */
const ANSWER = JSON.stringify({ output: { postings: [{ asset: 'points', amount: '10', reason: 'bench' }] } });

interface Call {
  readonly point: string;
  readonly input: { readonly challenge?: string };
}

/** The challenge is answered at every path; nothing else is at `/hang`. */
async function answerTo(request: IncomingMessage): Promise<string | null> {
  let body = '';
  for await (const chunk of request.setEncoding('utf8')) body += chunk as string;
  // Most calls are measured beside a bare request: reading JSON here would be neither's time.
  if (body.startsWith('{"point":"challenge"')) {
    const { challenge } = (JSON.parse(body) as Call).input;
    return JSON.stringify({ output: { challenge } });
  }
  return request.url === '/hang' ? null : ANSWER;
}

const server = createServer((request, response) => {
  answerTo(request).then(
    (answer) => {
      if (answer === null) return;
      const headers = { 'content-type': 'application/json', 'content-length': answer.length };
      response.writeHead(200, headers).end(answer);
    },
    () => response.destroy(),
  );
});
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  parentPort?.postMessage(typeof address === 'object' ? address?.port : null);
});
