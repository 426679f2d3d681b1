import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { Express } from 'express';
import { projectPath } from '../persistence/index.ts';

/** Where the example page is served that follows a tenant live. */
export const LIVE_TAPE = '/examples/live-tape';

/** The WebSocket client that the page stands on, as its package brings it for browsers. */
function clientFile(): string {
  const entry = createRequire(import.meta.url).resolve('graphql-ws');
  return join(dirname(entry), '..', 'umd', 'graphql-ws.min.js');
}

/** What the page may do: its own script and style, this gateway, and nothing else. */
function policyOf(page: string): string {
  const hashOf = (name: string): string => {
    const [, content = ''] = new RegExp(`<${name}>(.*?)</${name}>`, 's').exec(page) ?? [];
    return `'sha256-${createHash('sha256').update(content).digest('base64')}'`;
  };
  return [
    "default-src 'none'",
    `script-src 'self' ${hashOf('script')}`,
    `style-src ${hashOf('style')}`,
    "connect-src 'self'",
    'img-src data:',
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ');
}

export function serveExamplePage(app: Express): void {
  const page = readFileSync(projectPath('docs', 'examples', 'live-tape', 'index.html'), 'utf8');
  const client = readFileSync(clientFile(), 'utf8');
  const policy = policyOf(page);
  app.get(LIVE_TAPE, (_, response) => {
    response.set({ 'content-security-policy': policy, 'referrer-policy': 'no-referrer' });
    response.type('html').send(page);
  });
  app.get(`${LIVE_TAPE}/graphql-ws.min.js`, (_, response) => {
    response.type('js').send(client);
  });
}
