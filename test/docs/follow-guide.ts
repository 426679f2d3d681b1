import { blocksOf } from './guide-blocks.ts';
import { GuideRun } from './guide-run.ts';

/**
 * Declares the tests that do what each block of a guide says, in its order; for use within a `describe`.
 * @returns the run, once they have begun
 */
export function followGuide(guide: string, scene: Parameters<typeof GuideRun.start>[0]): () => GuideRun {
  let run: GuideRun;
  let isBroken = false;
  beforeAll(async () => {
    run = await GuideRun.start(scene);
  });
  afterAll(() => run.close());

  it.each(blocksOf(guide))('line $line: $info', async (block) => {
    if (isBroken) throw new Error('A block before this failed, so this one was not tried.');
    isBroken = true;
    await run.run(block);
    isBroken = false;
  });

  it('leaves no request without its answer', () => {
    expect(run.isWaiting).toBe(false);
  });
  return () => run;
}
