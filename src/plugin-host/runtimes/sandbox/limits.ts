/** What code in the sandbox may use; told to those who upload it. */
export const SANDBOX_LIMITS = {
  /** The source as uploaded, and the JavaScript that it becomes, in UTF-8. */
  codeBytes: 65_536,
  /** What the engine gives a script, its own code included. */
  memoryBytes: 8 * 1_024 * 1_024,
  /** What a script keeps from its top level for all of its calls. */
  snapshotBytes: 2 * 1_024 * 1_024,
  stackBytes: 196_608,
  /** The longest that a call may be waited for, its turn included. */
  deadlineMs: 1_000,
  /** The input's JSON and the output's, in UTF-8. */
  inputBytes: 262_144,
  outputBytes: 262_144,
  /** How deep objects and lists may nest in them. */
  jsonDepth: 64,
  logLines: 100,
  logLineCharacters: 1_000,
  logCharacters: 16_384,
} as const;
