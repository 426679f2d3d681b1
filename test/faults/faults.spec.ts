import { runRounds } from './rounds.ts';

/** Of each kind; `npm run test:faults` runs more. */
const ROUNDS = 3;
/** Far more than they take, also on a slow machine. */
const PATIENCE_MS = 900_000;

it(
  'kill -9 of the gateway and of PostgreSQL under load loses and doubles nothing that was acknowledged',
  async () => {
    const said: string[] = [];
    const seed = Date.now() % 1_000_000;
    await runRounds({
      kinds: ['server', 'postgres'],
      rounds: ROUNDS,
      seed,
      tell: (line) => said.push(line),
    });
    expect(said.filter((line) => line.includes('all there once'))).toHaveLength(2 * ROUNDS);
  },
  PATIENCE_MS,
);
