/**
 * For a gateway that is asked for its memory: collects garbage when it is told to. By a signal that means
 * nothing to a server; others would end it in order.
 */
process.on('SIGWINCH', () => {
  globalThis.gc?.();
});
