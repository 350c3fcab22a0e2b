import { writeFileSync } from 'node:fs';
import { type MochaOptions, type Runner, reporters, type Test } from 'mocha';

/**
 * Mocha's spec reporter, followed by the names of what was skipped (a peer that is absent must not pass for a green
 * test) and one closing line "N passed, N failed, N skipped". `TEST_SUMMARY_FILE` names a file that gets the same
 * figures and the names of what failed as JSON, so that a caller can tell a finished run from one that died.
 */
class TierReporter extends reporters.Spec {
  constructor(runner: Runner, options: MochaOptions) {
    super(runner, options);
    const skipped: Test[] = [];
    const failures: string[] = [];
    runner.on('fail', (test) => failures.push(test.fullTitle()));
    runner.on('pending', (test) => skipped.push(test));
    runner.once('end', () => {
      const figures = {
        passed: this.stats.passes,
        failed: this.stats.failures,
        skipped: skipped.length,
      };
      if (skipped.length > 0) {
        console.log('Skipped:');
        for (const test of skipped) console.log(`  - ${test.fullTitle()}`);
        console.log('');
      }
      const file = process.env.TEST_SUMMARY_FILE;
      if (file) writeFileSync(file, JSON.stringify({ ...figures, failures }));
      console.log(`${figures.passed} passed, ${figures.failed} failed, ${figures.skipped} skipped`);
    });
  }
}

module.exports = TierReporter;
