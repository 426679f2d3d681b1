import { Batch, type Call, SkippedStatement } from './batch.ts';
import { statement } from './statement.ts';

const INT8 = 20;
const TEXT = 25;

const one = statement('batch-spec.one', 'select $1');
const two = statement('batch-spec.two', 'select $1, $2');

const NAMES: Record<string, string> = {
  P: 'parse',
  B: 'bind',
  D: 'describe',
  E: 'execute',
  C: 'close',
  S: 'sync',
};

/** The messages of a packet in words: type, length, body, as PostgreSQL's protocol writes them. */
function messagesOf(packet: Buffer): string[] {
  const messages: string[] = [];
  for (let at = 0; at < packet.length; at += 1 + packet.readInt32BE(at + 1)) {
    const type = packet.toString('latin1', at, at + 1);
    const body = packet.subarray(at + 5, at + 1 + packet.readInt32BE(at + 1));
    const texts = body.toString('latin1').split('\0');
    const what = {
      P: texts[0],
      B: texts[1],
      D: `${texts[0]?.[0]} ${texts[0]?.slice(1)}`,
      C: texts[0]?.slice(1),
    }[type];
    messages.push([NAMES[type], what].filter(Boolean).join(' '));
  }
  return messages;
}

/** A connection that notes what is written to it; nobody answers but the test. */
function newWire() {
  const sent: string[] = [];
  return {
    stream: { writable: true, write: (packet: Buffer) => sent.push(...messagesOf(packet)) },
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

const PARSE_ONE = ['close batch-spec.one', 'parse batch-spec.one', 'describe S batch-spec.one'];
const PARSE_TWO = ['close batch-spec.two', 'parse batch-spec.two', 'describe S batch-spec.two'];
const RUN_ONE = ['bind batch-spec.one', 'execute'];
const RUN_TWO = ['bind batch-spec.two', 'execute'];

describe('a batch', () => {
  it('prepares each of its statements once, describes it before any value, and ends with one Sync', () => {
    const wire = newWire();
    new Batch([newCall(one).call, newCall(two).call, newCall(one).call]).prepare(wire);
    expect(wire.read()).toEqual([...PARSE_ONE, ...RUN_ONE, ...PARSE_TWO, ...RUN_TWO, ...RUN_ONE, 'sync']);
  });

  it('relies on what the connection is known to have prepared, and on nothing else', () => {
    const wire = newWire();
    answered(wire);
    wire.read();
    new Batch([newCall(two).call, newCall(one).call]).prepare(wire);
    expect(wire.read()).toEqual([...PARSE_TWO, ...RUN_TWO, ...RUN_ONE, 'sync']);
    // The one before is still on its way: it may fail before it has prepared anything.
    new Batch([newCall(two).call]).prepare(wire);
    expect(wire.read()).toEqual([...PARSE_TWO, ...RUN_TWO, 'sync']);
    const another = newWire();
    new Batch([newCall(one).call]).prepare(another);
    expect(another.read()).toEqual([...PARSE_ONE, ...RUN_ONE, 'sync']);
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

  it('prepares the statement anew that failed, and it alone', () => {
    const wire = newWire();
    answered(wire);
    const failing = new Batch([newCall(one).call, newCall(two).call]);
    failing.prepare(wire);
    failing.handleDataRow({ fields: ['7'] });
    failing.handleCommandComplete();
    failing.handleError(new Error('no such statement'));
    wire.read();
    new Batch([newCall(one).call, newCall(two).call]).prepare(wire);
    expect(wire.read()).toEqual([...RUN_ONE, ...PARSE_TWO, ...RUN_TWO, 'sync']);
    const again = new Batch([newCall(one).call]);
    again.prepare(wire);
    again.handleError(new Error('no such statement'));
    wire.read();
    new Batch([newCall(one).call]).prepare(wire);
    expect(wire.read()).toEqual([...PARSE_ONE, ...RUN_ONE, 'sync']);
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
    wire.read();
    new Batch([newCall(one).call]).prepare(wire);
    expect(wire.read()).toEqual([...PARSE_ONE, ...RUN_ONE, 'sync']);
    onItsWay.handleDataRow({ fields: ['8'] });
    onItsWay.handleCommandComplete();
    onItsWay.handleReadyForQuery();
    expect(outcome.rows).toEqual([{ n: 8n }]);
  });
});
