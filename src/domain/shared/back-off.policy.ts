import { ExponentialBackoff, halfJitterGenerator, type IBackoff } from 'cockatiel';

const backOff = new ExponentialBackoff<number>({
  generator: halfJitterGenerator,
  initialDelay: 1_000,
  maxDelay: 3_600_000,
});
/** From here on it is the longest delay. */
const MOST_STEPS = 14;

/** How long to wait after so many failures in a row: some seconds at first, an hour in the end. */
export function backOffMs(failures: number): number {
  let step: IBackoff<unknown> = backOff.next();
  for (let made = 1; made < Math.min(failures, MOST_STEPS); made += 1) step = step.next(undefined);
  return step.duration;
}
