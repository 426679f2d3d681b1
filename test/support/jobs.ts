import { startJobs } from '../../src/jobs/index.ts';
import type { TestGateway } from './gateway.ts';

const EVERY_MS = 100;

/** Runs a gateway's jobs while a test works, and stops them however it ends. */
export async function withJobs({ application }: TestGateway, work: () => Promise<void>): Promise<void> {
  const jobs = await startJobs(application.jobs, { everyMs: EVERY_MS });
  try {
    await work();
  } finally {
    await jobs.stop();
  }
}
