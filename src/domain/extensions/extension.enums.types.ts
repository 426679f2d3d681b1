import { registerEnumType } from 'type-graphql';

/** The words of an enum, and what each means. */
function enumOf<Value extends string>(
  name: string,
  description: string,
  meanings: Readonly<Record<Value, string>>,
): Readonly<Record<Value, Value>> {
  const values = Object.keys(meanings) as Value[];
  const made = Object.fromEntries(values.map((value) => [value, value])) as Record<Value, Value>;
  const described = values.map((value) => [value, { description: meanings[value] }]);
  registerEnumType(made, { name, description, valuesConfig: Object.fromEntries(described) });
  return made;
}

export const ExtensionStage = enumOf('ExtensionStage', 'How far an extension’s newest version may act.', {
  DRAFT: 'It isn’t asked, but for tests.',
  SHADOW: 'It is asked beside the one that counts, and its answers are only compared.',
  CANARY: 'Its answers count for a part of the members.',
  LIVE: 'Its answers count.',
  RETIRED: 'It is never asked again, nor is any earlier version.',
});

export const ExtensionRuntime = enumOf('ExtensionRuntime', 'Where an extension’s code runs.', {
  IN_PROCESS: 'In the gateway: a plugin that the operator installed.',
  WEBHOOK: 'In a service of the enterprise, which is asked by signed requests.',
  SANDBOX: 'In the gateway’s sandbox: code that was uploaded.',
});

export const ExtensionFailurePolicy = enumOf('ExtensionFailurePolicy', 'What a failure comes to.', {
  FAIL_CLOSED: 'The request is refused with EXTENSION_UNAVAILABLE.',
  FAIL_OPEN: 'It is as if the extension weren’t there.',
  DEFAULT: 'The extension’s default output is its answer.',
});

export const ExtensionPointKind = enumOf('ExtensionPointKind', 'How a question stands to what happens.', {
  ASKED: 'Before it is done; the answers of all who are asked count.',
  DELEGATED: 'The first answer is what happens.',
  TOLD: 'After it was done; an answer changes nothing.',
});

export const ExtensionCallMode = enumOf('ExtensionCallMode', 'Why an extension was called.', {
  LIVE: 'Its answer counted.',
  CANARY: 'Its answer counted, for one of the members that the canary is for.',
  SHADOW: 'Its answer was compared with the one that counted.',
  TEST: 'Somebody tried it.',
  DRY_RUN: 'For a request that only tries.',
});

export const ExtensionCallOutcome = enumOf('ExtensionCallOutcome', 'What became of a call.', {
  OK: 'It answered as it should.',
  INVALID_INPUT: 'What it should be asked with is not as the extension point says.',
  INVALID_OUTPUT: 'It answered what the extension point, its limits or the program don’t allow.',
  TIMEOUT: 'It didn’t answer in time.',
  ERROR: 'It threw an error, or answered with one.',
  UNREACHABLE: 'It couldn’t be reached.',
  BREAKER_OPEN: 'It wasn’t asked, since it failed too often.',
  SKIPPED_BY_FILTER: 'It wasn’t asked, since its filter said so.',
});

export const ExtensionHealthState = enumOf('ExtensionHealthState', 'How an extension has done.', {
  IDLE: 'It wasn’t called.',
  HEALTHY: 'At most one call in a hundred failed.',
  DEGRADED: 'More than one call in a hundred failed.',
  FAILING: 'At least half of the calls failed.',
  BROKEN: 'It failed so often that it isn’t asked now.',
});

export const ExtensionChangeKind = enumOf('ExtensionChangeKind', 'What was done to an extension.', {
  REGISTERED: 'Its first version was made.',
  UPDATED: 'Its code or settings were changed.',
  STAGED: 'It was put in another stage.',
  ROLLED_BACK: 'An earlier version was brought back.',
  STEPPED_BACK: 'It went back by itself, since it failed or was slow.',
  SECRET_ROTATED: 'It was given a new signing secret.',
});

export const SandboxLanguage = enumOf('SandboxLanguage', 'What uploaded code is written in.', {
  JAVASCRIPT: 'A module of JavaScript.',
  TYPESCRIPT: 'A module of TypeScript; its types are left out, not checked.',
});

/** The names of an enum's values. */
export type NameOf<Enum> = keyof Enum;
