import { parseArgs } from 'node:util';
import { type Kind, runRounds } from './rounds.ts';

const USAGE = `npm run test:faults -- [--rounds N] [--seed N] [--only server|postgres]
Kills the gateway and PostgreSQL with kill -9 under load, N rounds each (20), and looks what is left.`;

function wholeOf(name: string, text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new Error(`--${name} takes a whole number.\n${USAGE}`);
  return Number(text);
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      rounds: { type: 'string', default: '20' },
      seed: { type: 'string', default: String(Date.now() % 1_000_000) },
      only: { type: 'string' },
    },
  });
  const kinds = (['server', 'postgres'] satisfies Kind[]).filter(
    (kind) => values.only === undefined || kind === values.only,
  );
  if (kinds.length === 0) throw new Error(`--only takes server or postgres.\n${USAGE}`);
  const [rounds, seed] = [wholeOf('rounds', values.rounds), wholeOf('seed', values.seed)];
  const startedAt = performance.now();
  const tell = (line: string): void => {
    const seconds = ((performance.now() - startedAt) / 1_000).toFixed(0).padStart(4);
    process.stdout.write(`${seconds} s  ${line}\n`);
  };
  tell(`${rounds} rounds each of ${kinds.join(' and ')}, seed ${seed}`);
  await runRounds({ kinds, rounds, seed, tell });
  tell('every promise held');
}

try {
  await main();
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n`);
  process.exitCode = 1;
}
