import { createServer } from 'node:http';
import { parentPort } from 'node:worker_threads';

/** What an extension answers that has nothing to think about. It runs in a thread of its own. */
const ANSWER = JSON.stringify({ output: { postings: [{ asset: 'points', amount: '10', reason: 'bench' }] } });

const server = createServer((request, response) => {
  request.resume();
  request.on('end', () => {
    response
      .writeHead(200, { 'content-type': 'application/json', 'content-length': ANSWER.length })
      .end(ANSWER);
  });
});
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  parentPort?.postMessage(typeof address === 'object' ? address?.port : null);
});
