import { runRounds } from './rounds.ts';

const ROUNDS = 3;
/** Far more than they take, also on a slow machine. */
const PATIENCE_MS = 900_000;

const tell = (): void => undefined;

it(
  'kill -9 of the gateway under load loses nothing that was acknowledged',
  async () => {
    await runRounds({ kind: 'server', rounds: ROUNDS, seed: Date.now() % 1_000_000, tell });
  },
  PATIENCE_MS,
);

it(
  'kill -9 of PostgreSQL under load loses nothing that was acknowledged',
  async () => {
    await runRounds({ kind: 'postgres', rounds: ROUNDS, seed: Date.now() % 1_000_000, tell });
  },
  PATIENCE_MS,
);
