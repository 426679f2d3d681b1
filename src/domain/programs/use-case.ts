import { Refusal, RequestFault } from '../../kernel/errors.ts';
import type { RequestContext } from '../../kernel/request-context.ts';
import {
  claimKey,
  type Database,
  findResult,
  idempotentRequest,
  SkippedStatement,
  type Transaction,
} from '../../persistence/index.ts';
import type { PinnedProgram, ProgramService } from './program.service.ts';

/** What a commit may rely on, once it is known: business time, and that the program still is in force. */
export type CommitFacts = Promise<{
  readonly now: Date;
  /** SHA-256 of the request; missing where nobody asked. */
  readonly inputHash?: Buffer;
}>;

/** A mutation in two phases, carried out once per idempotency key. */
export interface UseCase<Proposal, Stored, Result> {
  readonly mutation: string;
  readonly input: { idempotencyKey: string; dryRun?: boolean | null };
  /** Whether no other transaction of the tenant may run beside its commit. */
  readonly isAlone?: boolean;
  /** Works out what to do, with no transaction open: rules and extensions are asked here. */
  propose(program: PinnedProgram): Promise<Proposal>;
  /** What is kept under the key: enough to answer the same again. */
  stored(proposal: Proposal): Stored;
  /**
   * Rechecks and writes, in one transaction. Statements of its first turn travel with the key's claim; it
   * awaits `facts` before it decides anything.
   */
  commit(tx: Transaction, proposal: Proposal, program: PinnedProgram, facts: CommitFacts): Promise<Result>;
  /** The first result again. */
  replay(stored: Stored): Promise<Result>;
}

/** Told of every transaction of a use case that was committed, or of a dry run: rolled back. Never throws. */
export interface CommitListener {
  committed(tenantKey: string, tx: Transaction, isDryRun: boolean): Promise<void>;
}

/** Runs use cases: look the key up, propose, commit, and answer a replay where another was first. */
export class UseCaseRunner {
  readonly #database: Database;
  readonly #programs: ProgramService;
  readonly #listener: CommitListener | null;

  constructor(database: Database, programs: ProgramService, listener: CommitListener | null = null) {
    this.#database = database;
    this.#programs = programs;
    this.#listener = listener;
  }

  /**
   * @returns the result, and whether it was written now (not replayed, not a dry run)
   * @throws Refusal IDEMPOTENCY_CONFLICT, IDEMPOTENCY_KEY_INVALID, NO_PROGRAM, and what the use case throws
   */
  async run<Proposal, Stored, Result>(
    { tenantKey }: RequestContext,
    useCase: UseCase<Proposal, Stored, Result>,
  ): Promise<{ result: Result; written: boolean }> {
    const request = idempotentRequest(useCase.mutation, useCase.input);
    const known = await findResult<Stored>(this.#database.read(tenantKey), tenantKey, request);
    if (known !== null) return { result: await useCase.replay(known), written: false };
    const dryRun = useCase.input.dryRun === true;
    let last: Transaction | null = null;
    try {
      const result = await this.#programs.underProgram(tenantKey, async (program) => {
        const proposal = await useCase.propose(program);
        return await this.#database.transaction(
          tenantKey,
          async (tx) => {
            last = tx;
            const claimed = dryRun ? null : claimKey(tx, tenantKey, request, useCase.stored(proposal));
            const facts = Promise.all([this.#programs.recheck(tx, program), claimed]).then(([checked]) => ({
              ...checked,
              inputHash: request.hash,
            }));
            facts.catch(() => undefined);
            const committing = useCase.commit(tx, proposal, program, facts);
            const settled = await Promise.allSettled([facts, committing]);
            // A key that was taken explains every other failure, so it is told first; a statement that was
            // skipped explains nothing, so the one that failed before it is told.
            const failures = settled
              .filter((one) => one.status === 'rejected')
              .map(({ reason }) => reason as unknown);
            const [failure] = [...failures.filter((one) => !(one instanceof SkippedStatement)), ...failures];
            if (failure !== undefined) throw failure instanceof SkippedStatement ? failure.cause : failure;
            return await committing;
          },
          { dryRun, alone: useCase.isAlone === true },
        );
      });
      if (last !== null) await this.#listener?.committed(tenantKey, last, dryRun);
      return { result, written: !dryRun };
    } catch (error) {
      if (dryRun || error instanceof RequestFault) throw error;
      // Taken by another, lost from sight at COMMIT, or refused for what the same request did in the meantime
      // (its first try was slow to commit): the key tells whether it was done.
      const sql = this.#database.read(tenantKey);
      const stored = await findResult<Stored>(sql, tenantKey, request).catch((failure: unknown) => {
        // Nobody is told of a refusal while it is open whether the request was done.
        if (failure instanceof Refusal || error instanceof Refusal) throw failure;
        return null;
      });
      if (stored === null) throw error;
      return { result: await useCase.replay(stored), written: false };
    }
  }
}
