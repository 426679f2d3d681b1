import { jest } from '@jest/globals';

const realNow = Date.now;
let aheadMs = 0;

/** Lets so much time pass for what asks `Date.now`, as breakers do; nobody waits for it. */
export function letPass(ms: number): void {
  aheadMs += ms;
  jest.spyOn(Date, 'now').mockImplementation(() => realNow() + aheadMs);
}

/** It is as late as it is. */
export function backToNow(): void {
  aheadMs = 0;
  jest.spyOn(Date, 'now').mockRestore();
}
