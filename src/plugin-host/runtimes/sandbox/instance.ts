import * as quickjs from '@jitl/quickjs-wasmfile-release-sync';
import { LRUCache } from 'lru-cache';
import {
  newQuickJSWASMModuleFromVariant,
  newVariant,
  type QuickJSContext,
  type QuickJSHandle,
  type QuickJSSyncVariant,
  type QuickJSWASMModule,
} from 'quickjs-emscripten-core';
import { failed, readTold, type SandboxAnswer } from './answer.ts';
import { SANDBOX_LIMITS } from './limits.ts';
import { LinearMemory, type Snapshot } from './linear-memory.ts';
import { PRELUDE } from './prelude.ts';

const { memoryBytes, stackBytes, snapshotBytes } = SANDBOX_LIMITS;

// The package's types describe its CommonJS half; what is imported here is the other one.
const variant = quickjs.default as unknown as QuickJSSyncVariant;

/** How many of a script's promises are kept before the clock is looked at again. */
const JOBS_AT_ONCE = 1_000;
/** More than any hole in a fresh heap, so that what is given for it lies above everything in use. */
const PROBE_BYTES = 4 * 1_024 * 1_024;

/** JavaScript, and what names it: no two codes have the same digest. */
export interface SandboxCode {
  readonly digest: string;
  readonly code: string;
}

export interface InstanceCall extends SandboxCode {
  /** Between two tenants all memory is wiped. */
  readonly tenantKey: string;
  /** JSON. */
  readonly input: string;
  /** How long it may run, in milliseconds. */
  readonly remainingMs: number;
  /** What the code is told of time, in milliseconds since 1970. */
  readonly now: number;
  /** From which its random numbers follow: a whole number of 32 bits. */
  readonly seed: number;
}

type HostFunction = 'load' | 'invoke' | 'collect' | 'describe';

/**
 * One engine, which runs everybody's code in turn, each call in the world that its script was loaded into.
 */
export class SandboxInstance {
  readonly memory: LinearMemory;
  readonly #context: QuickJSContext;
  readonly #host: Readonly<Record<HostFunction, QuickJSHandle>>;
  readonly #snapshots: LRUCache<string, Snapshot>;
  #tenantKey: string | null = null;
  #runsUntil = Number.POSITIVE_INFINITY;
  #wasInterrupted = false;

  private constructor(engine: QuickJSWASMModule, memory: LinearMemory, cacheBytes: number) {
    this.memory = memory;
    this.#snapshots = new LRUCache({
      maxSize: cacheBytes,
      sizeCalculation: ({ byteLength }) => byteLength + 1,
    });
    const runtime = engine.newRuntime({ memoryLimitBytes: memoryBytes, maxStackSizeBytes: stackBytes });
    runtime.setInterruptHandler(() => {
      this.#wasInterrupted ||= performance.now() > this.#runsUntil;
      return this.#wasInterrupted;
    });
    this.#context = runtime.newContext();
    const host = this.#context.unwrapResult(this.#context.evalCode(PRELUDE, 'prelude.js', { strict: true }));
    const take = (name: HostFunction): QuickJSHandle => this.#context.getProp(host, name);
    this.#host = {
      ...{ load: take('load'), invoke: take('invoke') },
      ...{ collect: take('collect'), describe: take('describe') },
    };
  }

  /** @param cacheBytes how much of loaded scripts is kept for their next calls */
  static async open(wasmModule: WebAssembly.Module, cacheBytes: number): Promise<SandboxInstance> {
    const memory = new LinearMemory();
    const engine = await newQuickJSWASMModuleFromVariant(
      newVariant(variant, { wasmModule, wasmMemory: memory.memory }),
    );
    const { heap } = allocatorOf(engine);
    memory.placeHeap(heap(1));
    const instance = new SandboxInstance(engine, memory, cacheBytes);
    memory.takeBase(heap(PROBE_BYTES));
    return instance;
  }

  /**
   * Loads a script where it isn't yet, for the calls to come.
   * @returns OK without an output, or why it can't be loaded
   */
  load(script: SandboxCode & Pick<InstanceCall, 'tenantKey' | 'remainingMs'>): SandboxAnswer {
    this.#begin(script.remainingMs);
    const snapshot = this.#snapshotOf(script);
    return 'runs' in snapshot ? { outcome: 'OK', output: null, error: null, log: [] } : snapshot;
  }

  call(call: InstanceCall): SandboxAnswer {
    this.#begin(call.remainingMs);
    const snapshot = this.#snapshotOf(call);
    if (!('runs' in snapshot)) return snapshot;
    if (this.#tenantKey !== call.tenantKey) this.memory.wipe();
    this.#tenantKey = call.tenantKey;
    this.memory.restore(snapshot);
    const context = this.#context;
    const { invoke, collect } = this.#host;
    const told = this.#ask(
      invoke,
      context.newString(call.input),
      context.newNumber(call.now),
      context.newNumber(call.seed),
    );
    if (typeof told !== 'string' || told !== '') return typeof told === 'string' ? readTold(told) : told;
    const stopped = this.#keepPromises();
    if (stopped !== null) return stopped;
    const late = this.#ask(collect);
    return typeof late === 'string' ? readTold(late) : late;
  }

  #begin(remainingMs: number): void {
    this.#runsUntil = performance.now() + remainingMs;
    this.#wasInterrupted = false;
  }

  #snapshotOf(script: SandboxCode & Pick<InstanceCall, 'tenantKey'>): Snapshot | SandboxAnswer {
    const known = this.#snapshots.get(script.digest);
    if (known !== undefined) return known;
    this.#tenantKey = script.tenantKey;
    const watched = this.memory.watch();
    const refusal = this.#evaluate(script.code);
    if (refusal !== null) return refusal;
    const snapshot = watched.snapshot();
    if (snapshot.byteLength > snapshotBytes) {
      const message = `The code keeps more than ${snapshotBytes} bytes from its top level.`;
      return failed('NOT_LOADED', { message });
    }
    this.#snapshots.set(script.digest, snapshot);
    return snapshot;
  }

  /** Runs a script's top level; null, or why it can't be loaded. */
  #evaluate(code: string): SandboxAnswer | null {
    const context = this.#context;
    const { load } = this.#host;
    const evaluated = context.evalCode(code, 'rule.js', { type: 'module', strict: true });
    if (evaluated.error) return this.#notLoaded(evaluated.error);
    const stopped = this.#keepPromises();
    if (stopped !== null) return stopped;
    const state = context.getPromiseState(evaluated.value);
    if (state.type === 'rejected') return this.#notLoaded(state.error);
    if (state.type === 'pending') {
      return failed('NOT_LOADED', { message: 'What the top level awaits can never settle.' });
    }
    const loaded = context.callFunction(load, context.undefined, state.value);
    if (loaded.error) return this.#notLoaded(loaded.error);
    if (context.dump(loaded.value) === true) return null;
    return failed('NOT_LOADED', { message: 'The code exports no function: begin it with "export default".' });
  }

  #notLoaded(error: QuickJSHandle): SandboxAnswer {
    if (this.#wasInterrupted) return failed('DEADLINE');
    const told = this.#ask(this.#host.describe, error);
    if (typeof told !== 'string') return told;
    const answer = readTold(told);
    return answer.error?.code === 'THROWN' ? failed('NOT_LOADED', answer.error) : answer;
  }

  /** What a function of the prelude tells; the answer, where it could not. */
  #ask(asked: QuickJSHandle, ...given: QuickJSHandle[]): string | SandboxAnswer {
    const context = this.#context;
    const result = context.callFunction(asked, context.undefined, given);
    // What a script throws, the prelude catches: this is the engine's own.
    if (result.error) return failed(this.#wasInterrupted ? 'DEADLINE' : 'OUT_OF_MEMORY');
    return context.typeof(result.value) === 'undefined' ? '' : context.getString(result.value) || 'NO_ROOM';
  }

  /** Runs what promises have to do until there's nothing left; null, or why it stopped before. */
  #keepPromises(): SandboxAnswer | null {
    const { runtime } = this.#context;
    while (runtime.hasPendingJob()) {
      const kept = runtime.executePendingJobs(JOBS_AT_ONCE);
      if (this.#wasInterrupted || performance.now() > this.#runsUntil) return failed('DEADLINE');
      if (kept.error) return failed('OUT_OF_MEMORY');
    }
    return null;
  }
}

/** Where the engine's heap has room for so many bytes: the address that its allocator gives. */
function allocatorOf(engine: QuickJSWASMModule): { readonly heap: (bytes: number) => number } {
  const { module } = engine as unknown as {
    readonly module: {
      readonly _malloc: (bytes: number) => number;
      readonly _free: (address: number) => void;
    };
  };
  return {
    heap: (bytes) => {
      const address = module._malloc(bytes);
      module._free(address);
      if (address === 0) throw new Error(`The engine has no room for ${bytes} bytes.`);
      return address;
    },
  };
}
