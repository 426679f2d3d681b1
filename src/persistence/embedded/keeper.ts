import { messageOf } from './errors.ts';

const EVERY_MS = 500;

/**
 * Sees to it again and again that the server runs. What fails is told and tried again: whoever needs the
 * database can do nothing else anyway.
 */
export function keep(
  bringBack: () => Promise<void>,
  log: (message: string) => void,
): { stop(): Promise<void> } {
  let looking: Promise<void> = Promise.resolve();
  let timer: NodeJS.Timeout;
  let stopped = false;
  const look = async (): Promise<void> => {
    await bringBack().catch((error: unknown) => log(messageOf(error)));
    if (!stopped) schedule();
  };
  const schedule = (): void => {
    timer = setTimeout(() => {
      looking = look();
    }, EVERY_MS).unref();
  };
  schedule();
  return {
    stop: async () => {
      stopped = true;
      clearTimeout(timer);
      await looking;
    },
  };
}
