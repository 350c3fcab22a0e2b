import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { checkExpression } from '../../../lib/mapping/expressions/check';
import { createExpressionEvaluator } from '../../../lib/mapping/expressions/evaluator';

interface Case {
  expr?: string;
  'expr-file'?: string;
  dataset?: string | null;
  data?: unknown;
  bindings?: Record<string, unknown>;
  timelimit?: number;
  result?: unknown;
  undefinedResult?: boolean;
  code?: string;
}

const suite = path.resolve('../shared/data/corpora/jsonata-test-suite/test/test-suite');
const read = (...parts: string[]) => JSON.parse(readFileSync(path.join(suite, ...parts), 'utf8'));

/** The language's own cases, as far as our limits leave its meaning alone. */
if (existsSync(suite)) {
  describe('the JSONata test suite', () => {
    const evaluator = createExpressionEvaluator();
    after(() => evaluator.close());

    function casesOf(group: string): [string, Case][] {
      return readdirSync(path.join(suite, 'groups', group))
        .filter((file) => file.endsWith('.json'))
        .flatMap((file) => {
          const content = read('groups', group, file) as Case | Case[];
          return (Array.isArray(content) ? content : [content]).map((one): [string, Case] => [`${group}/${file}`, one]);
        });
    }

    it('gives the same answers in the sandbox', async () => {
      const different: string[] = [];
      let asked = 0;
      for (const [name, one] of readdirSync(path.join(suite, 'groups')).flatMap(casesOf)) {
        const expression =
          one.expr ?? readFileSync(path.join(suite, 'groups', path.dirname(name), one['expr-file']!), 'utf8');
        if (one.timelimit !== undefined || Object.keys(one.bindings ?? {}).length > 0) continue;
        // A record is always there, so nothing is to be learned from what an absent input gives.
        if (!one.dataset && one.data === undefined && one.undefinedResult) continue;
        const input = one.dataset ? read('datasets', `${one.dataset}.json`) : (one.data ?? null);
        let answer: unknown;
        try {
          checkExpression(expression);
          asked += 1;
          const [outcome] = await evaluator.evaluate(expression, [input]);
          answer = outcome !== undefined && 'value' in outcome ? outcome.value : outcome?.error;
        } catch (error) {
          answer = error;
        }
        if (!agrees(one, answer)) different.push(`${name}: ${expression.slice(0, 80)}`);
      }
      assert.ok(asked > 1_000, `${asked} cases asked`);
      assert.deepEqual(
        different.filter((line) => !LIMITED.test(line)),
        [],
      );
    });
  });
}

/** Where our rules differ on purpose: no $eval, no names of prototypes, 500 ms. */
const LIMITED = /^performance|\$eval|__proto__|constructor|prototype/;

function agrees(one: Case, answer: unknown): boolean {
  if (answer instanceof Error) return one.result === undefined;
  if (one.undefinedResult) return answer === undefined;
  if (!('result' in one)) return false;
  try {
    assert.deepEqual(answer, one.result);
    return true;
  } catch {
    return false;
  }
}
