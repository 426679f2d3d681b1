import { jest } from '@jest/globals';
import { Reader } from '../../src/persistence/sql/reader.ts';

/** What is looked up once a second and remembered, whoever asks. */
const REMEMBERED = ['tenant.facts', 'extension.registered', 'extension.asked_revisions'];

/** How many statements a piece of work sends to read, what is remembered for a second left out. */
export async function statementsOf(work: () => Promise<unknown>): Promise<number> {
  let count = 0;
  const real = Reader.prototype.forTenant;
  const spy = jest.spyOn(Reader.prototype, 'forTenant').mockImplementation(function (this: Reader, key) {
    const sql = real.call(this, key);
    return {
      run: (statement, values) => {
        if (!REMEMBERED.includes(statement.name)) count += 1;
        return sql.run(statement, values);
      },
    };
  });
  try {
    await work();
    return count;
  } finally {
    spy.mockRestore();
  }
}
