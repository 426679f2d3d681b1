import { SANDBOX_LIMITS } from './limits.ts';

const { logLines, logLineCharacters, logCharacters, outputBytes } = SANDBOX_LIMITS;

/**
 * What runs before any script, in the script's own world: it takes hold of what it needs before a script can
 * replace it, and gives the world the host's time and chance. Nothing here protects the host (the engine's
 * memory does): a script that tricks it harms its own answer alone, which the host checks anyway.
 *
 * Evaluates to functions for the host. `invoke`, `collect` and `describe` answer `KIND LENGTH LOG PAYLOAD`:
 * LOG has LENGTH characters, JSON strings with commas between them.
 */
export const PRELUDE = `(() => {
  'use strict';
  const { parse, stringify } = JSON;
  const { construct } = Reflect;
  const { imul } = Math;
  const call = Function.prototype.call;
  const sliceOf = call.bind(String.prototype.slice);
  const thenOf = call.bind(Promise.prototype.then);
  const resolve = Promise.resolve.bind(Promise);
  const asText = String;
  const AnyError = Error;
  const BadSyntax = SyntaxError;
  const RealDate = Date;

  let now, state, entry, log = '', lines = 0, answer;

  const tell = () => {
    if (now === undefined) throw new AnyError('Time and chance are told in a call, not at the top level.');
    return now;
  };
  const HostDate = function Date(...parts) {
    if (new.target === undefined) return new RealDate(tell()).toString();
    return construct(RealDate, parts.length === 0 ? [tell()] : parts, new.target);
  };
  HostDate.prototype = RealDate.prototype;
  RealDate.prototype.constructor = HostDate;
  HostDate.now = () => tell();
  HostDate.parse = RealDate.parse;
  HostDate.UTC = RealDate.UTC;
  globalThis.Date = HostDate;

  // Mulberry32.
  Math.random = () => {
    tell();
    state = (state + 0x6d2b79f5) | 0;
    let mixed = imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };

  const cut = (text, most) => (text.length > most ? sliceOf(text, 0, most) : text);
  const isObject = (value) => (typeof value === 'object' && value !== null) || typeof value === 'function';
  const shown = (value) => {
    try {
      if (typeof value === 'string') return value;
      if (value instanceof AnyError) return value.name + ': ' + value.message;
      const json = isObject(value) ? stringify(value) : undefined;
      return json === undefined ? asText(value) : json;
    } catch {
      return '[unprintable]';
    }
  };
  const write = (...values) => {
    if (lines > ${logLines}) return;
    let line = '';
    for (let index = 0; index < values.length && line.length <= ${logLineCharacters}; index += 1) {
      line += (index === 0 ? '' : ' ') + cut(shown(values[index]), ${logLineCharacters});
    }
    lines += 1;
    if (lines > ${logLines} || log.length + line.length > ${logCharacters}) {
      lines = ${logLines + 1};
      line = '[the log is full]';
    }
    log += (log === '' ? '' : ',') + stringify(cut(line, ${logLineCharacters}));
  };
  globalThis.console = { log: write, info: write, warn: write, error: write, debug: write };

  const told = (kind, payload) => kind + ' ' + log.length + ' ' + log + payload;
  const part = (value) => stringify(cut(shown(value), ${logLineCharacters}));
  const failure = (error) => {
    let name = '', message, stack = '';
    try {
      if (error instanceof AnyError) {
        name = error.name;
        message = error.message;
        stack = error.stack;
      } else {
        message = error;
      }
    } catch {
      message = '[unprintable]';
    }
    return '[' + part(name) + ',' + part(message) + ',' + part(stack) + ']';
  };
  const failed = (error) => {
    answer = told('ERROR', failure(error));
  };
  const gave = (value) => {
    try {
      const json = stringify(value);
      if (json === undefined) answer = told('NOT_JSON', '');
      else if (json.length > ${outputBytes}) answer = told('TOO_LARGE', '');
      else answer = told('OK', json);
    } catch (error) {
      answer = told('NOT_JSON', failure(error));
    }
  };

  return {
    /** Keeps what the module exports by default; whether it can be called. */
    load: (exported) => {
      entry = exported.default;
      return typeof entry === 'function';
    },
    /** The answer, or undefined if it's promised. */
    invoke: (text, at, seed) => {
      now = at;
      state = seed;
      let input;
      try {
        input = parse(text);
      } catch (error) {
        if (error instanceof BadSyntax) return told('BAD_INPUT', '');
        return told('ERROR', failure(error));
      }
      try {
        const given = entry(input);
        if (isObject(given) && typeof given.then === 'function') thenOf(resolve(given), gave, failed);
        else gave(given);
      } catch (error) {
        failed(error);
      }
      return answer;
    },
    collect: () => (answer === undefined ? told('PENDING', '') : answer),
    describe: (error) => told('ERROR', failure(error)),
  };
})()`;
