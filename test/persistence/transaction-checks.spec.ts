import { statement, type Transaction } from '../../src/persistence/index.ts';
import { openScratch, type Scratch } from './scratch.ts';

const insert = statement(
  'transaction-checks-spec.insert',
  'insert into scratch (tenant_id, number) values ($1, $2)',
);
const fail = statement('transaction-checks-spec.fail', 'select fail($1)');

let scratch: Scratch;
beforeAll(async () => {
  scratch = await openScratch({ reads: 1, writes: 1 });
});
afterAll(() => scratch.close());
beforeEach(() => scratch.owner.query('truncate scratch'));

describe('a check', () => {
  it('comes behind all that is deferred, right before COMMIT', async () => {
    await scratch.database.transaction(scratch.tea, async (tx) => {
      tx.check(insert, [scratch.tea, 3]);
      tx.defer(insert, [scratch.tea, 2]);
      await tx.run(insert, [scratch.tea, 1]);
    });
    expect(await scratch.numbers()).toEqual([1, 2, 3]);
  });

  it.each([true, false])(
    'that fails leaves nothing of the transaction (something deferred: %s)',
    async (defers) => {
      const work = async (tx: Transaction) => {
        tx.check(fail, ['23505']);
        if (defers) tx.defer(insert, [scratch.tea, 2]);
        await tx.run(insert, [scratch.tea, 1]);
      };
      await expect(scratch.database.transaction(scratch.tea, work)).rejects.toMatchObject({ code: '23505' });
      expect(await scratch.numbers()).toEqual([]);
    },
  );
});
