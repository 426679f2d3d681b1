import { spawn } from 'node:child_process';
import { once } from 'node:events';

const GUESTS = new URL('./guests.ts', import.meta.url).href;

/** Runs a module in a process of its own, beside the listener: what it left, and how it ended. */
async function run(source: string) {
  const script = `
    import { asGuest, hearStrayErrors } from '${GUESTS}';
    hearStrayErrors({
      onGuest: ({ plugin, point }, error) => console.log(plugin, point, error.message),
      onOurs: (error) => { console.log('ours', error.message); process.exitCode = 3; },
    });
    const guest = { plugin: 'tea', point: 'points.rule' };
    ${source}
    setTimeout(() => console.log('still here'), 60);`;
  const flags = ['--disable-warning=ExperimentalWarning', '--input-type=module', '-e', script];
  const child = spawn(process.execPath, flags, { stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  child.stdout.on('data', (chunk) => {
    output += chunk;
  });
  const [code] = await once(child, 'close');
  return { code, lines: output.trim().split('\n') };
}

it.each([
  ['a timer', `setTimeout(() => { throw new Error('out of tea'); }, 5)`],
  ['a promise that nobody holds', `Promise.reject(new Error('out of tea'))`],
  ['what came after a pause', `setTimeout(async () => { await 1; throw new Error('out of tea'); }, 5)`],
  ['the next turn', `process.nextTick(() => { throw new Error('out of tea'); })`],
])('an error of a plugin that %s throws is known as its own, and survived', async (_what, source) => {
  const { code, lines } = await run(`asGuest(guest, () => { ${source}; });`);
  expect(lines).toEqual(['tea points.rule out of tea', 'still here']);
  expect(code).toBe(0);
});

it('one of ours is told as that', async () => {
  const { code, lines } = await run(`
    asGuest(guest, () => setTimeout(() => undefined, 1));
    setTimeout(() => { throw new Error('our mistake'); }, 5);`);
  expect(lines).toEqual(['ours our mistake', 'still here']);
  expect(code).toBe(3);
});
