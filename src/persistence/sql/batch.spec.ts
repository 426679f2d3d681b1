import { Batch, type Call, SkippedStatement } from './batch.ts';
import { statement } from './statement.ts';

const INT8 = 20;
const TEXT = 25;

const one = statement('batch-spec.one', 'select $1');
const two = statement('batch-spec.two', 'select $1, $2');

/** A connection that notes what is written to it; nobody answers but the test. */
function newWire() {
  const sent: string[] = [];
  return {
    sent,
    stream: {},
    parse: ({ name }: { name: string }) => sent.push(`parse ${name}`),
    bind: ({ statement: name }: { statement: string }) => sent.push(`bind ${name}`),
    describe: ({ type, name }: { type: string; name: string }) => sent.push(`describe ${type} ${name}`),
    execute: () => sent.push('execute'),
    close: ({ name }: { name: string }) => sent.push(`close ${name}`),
    sync: () => sent.push('sync'),
    /** What was written since it was last asked. */
    read: () => sent.splice(0),
  };
}

function newCall(stmt: typeof one) {
  const outcome: { rows?: unknown[]; error?: unknown } = {};
  const call: Call = {
    statement: stmt,
    values: [],
    resolve: (rows) => {
      outcome.rows = rows;
    },
    reject: (error) => {
      outcome.error = error;
    },
  };
  return { call, outcome };
}

function describeRows(batch: Batch, fields: [name: string, type: number][]): void {
  batch.handleRowDescription({
    fields: fields.map(([name, dataTypeID]) => ({ name, dataTypeID, format: 'text' })),
  });
}

/** Sends a batch of one call and answers it with one row of one bigint. */
function answered(wire: ReturnType<typeof newWire>) {
  const { call, outcome } = newCall(one);
  const batch = new Batch([call]);
  batch.prepare(wire);
  describeRows(batch, [['n', INT8]]);
  batch.handleDataRow({ fields: ['7'] });
  batch.handleCommandComplete();
  batch.handleReadyForQuery();
  return outcome;
}

describe('a batch', () => {
  it('prepares each statement once a connection, and ends with one Sync', () => {
    const wire = newWire();
    new Batch([newCall(one).call, newCall(two).call, newCall(one).call]).prepare(wire);
    const bindOne = ['bind batch-spec.one', 'execute'];
    expect(wire.read()).toEqual([
      ...['parse batch-spec.one', 'describe S batch-spec.one', ...bindOne],
      ...['parse batch-spec.two', 'describe S batch-spec.two', 'bind batch-spec.two', 'execute'],
      ...bindOne,
      'sync',
    ]);
    new Batch([newCall(one).call]).prepare(wire);
    expect(wire.read()).toEqual([...bindOne, 'sync']);
    const another = newWire();
    new Batch([newCall(one).call]).prepare(another);
    expect(another.read()).toContain('parse batch-spec.one');
  });

  it('gives each call its own rows, in types of ours, once the server is ready', () => {
    const [first, second] = [newCall(two), newCall(one)];
    const batch = new Batch([first.call, second.call]);
    batch.prepare(newWire());
    describeRows(batch, [
      ['n', INT8],
      ['name', TEXT],
    ]);
    batch.handleDataRow({ fields: ['9007199254740993', null] });
    batch.handleDataRow({ fields: ['-1', 'x'] });
    batch.handleCommandComplete();
    batch.handleCommandComplete();
    expect(first.outcome).toEqual({});
    batch.handleReadyForQuery();
    expect(first.outcome.rows).toEqual([
      { n: 9_007_199_254_740_993n, name: null },
      { n: -1n, name: 'x' },
    ]);
    expect(second.outcome.rows).toEqual([]);
  });

  it('that fails answers what came before, tells what failed, and skips what comes behind', () => {
    const [before, failing, behind] = [newCall(one), newCall(two), newCall(one)];
    const batch = new Batch([before.call, failing.call, behind.call]);
    batch.prepare(newWire());
    describeRows(batch, [['n', INT8]]);
    batch.handleDataRow({ fields: ['7'] });
    batch.handleCommandComplete();
    const error = new Error('no such table');
    batch.handleError(error);
    batch.handleReadyForQuery();
    expect(before.outcome).toEqual({ rows: [{ n: 7n }] });
    expect(failing.outcome).toEqual({ error });
    expect(behind.outcome.error).toBeInstanceOf(SkippedStatement);
    expect(behind.outcome.error).toMatchObject({ cause: error });
  });

  it('that fails may not have prepared its statements: they are prepared anew', () => {
    const wire = newWire();
    const batch = new Batch([newCall(one).call, newCall(two).call]);
    batch.prepare(wire);
    batch.handleError(new Error('no such table'));
    wire.read();
    new Batch([newCall(two).call]).prepare(wire);
    expect(wire.read().slice(0, 2)).toEqual(['close batch-spec.two', 'parse batch-spec.two']);
  });

  it('behind one whose values were wrong knows the columns all the same', () => {
    const wire = newWire();
    const wrong = new Batch([newCall(one).call]);
    const { call, outcome } = newCall(one);
    const behind = new Batch([call]);
    wrong.prepare(wire);
    behind.prepare(wire);
    // The server has parsed and described the statement; it stumbles over the values alone.
    expect(wire.read().indexOf('describe S batch-spec.one')).toBe(1);
    describeRows(wrong, [['n', INT8]]);
    wrong.handleError(new Error('no integer'));
    behind.handleDataRow({ fields: ['7'] });
    behind.handleCommandComplete();
    behind.handleReadyForQuery();
    expect(outcome.rows).toEqual([{ n: 7n }]);
  });

  it('on its way keeps its columns while another prepares the statement anew', () => {
    const wire = newWire();
    expect(answered(wire).rows).toEqual([{ n: 7n }]);
    const failing = new Batch([newCall(one).call]);
    const { call, outcome } = newCall(one);
    const onItsWay = new Batch([call]);
    failing.prepare(wire);
    onItsWay.prepare(wire);
    failing.handleError(new Error('canceled'));
    new Batch([newCall(one).call]).prepare(wire);
    expect(wire.read()).toContain('close batch-spec.one');
    onItsWay.handleDataRow({ fields: ['8'] });
    onItsWay.handleCommandComplete();
    onItsWay.handleReadyForQuery();
    expect(outcome.rows).toEqual([{ n: 8n }]);
  });
});
