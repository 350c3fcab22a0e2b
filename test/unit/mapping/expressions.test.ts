import assert from 'node:assert/strict';
import { type ChildProcess, fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { checkMapping, compileMapping } from '../../../lib/mapping/compile';
import { checkExpression } from '../../../lib/mapping/expressions/check';
import { createExpressionEvaluator } from '../../../lib/mapping/expressions/evaluator';
import type { IntegrationError } from '../../../lib/model/errors';
import type { FieldMapping } from '../../../lib/model/mapping';
import { definition, invalid } from './support';

/** Which of the two comes first depends on the machine. */
const KILLED = /^PCP_EXPRESSION_(MEMORY|TIMEOUT)$/;
const entry = path.resolve(__dirname, '../../../lib/mapping/expressions/sandbox-process.js');

describe('expressions', () => {
  const evaluator = createExpressionEvaluator({ batchTimeoutMs: 1_000 });
  after(() => evaluator.close());

  /** Values as they are, errors as their codes. */
  async function evaluate(expression: string, ...inputs: Record<string, unknown>[]): Promise<unknown[]> {
    const outcomes = await evaluator.evaluate(expression, inputs);
    return outcomes.map((outcome) => ('error' in outcome ? outcome.error.code : outcome.value));
  }

  it('give one outcome for each record, in order', async () => {
    assert.deepEqual(await evaluate('a & "!"', { a: 'x' }, {}, { a: 1 }), ['x!', '!', '1!']);
    assert.deepEqual(await evaluate('a.b', { a: { b: null } }, { a: [{ b: 1 }, { b: 2 }] }, {}), [
      null,
      [1, 2],
      undefined,
    ]);
    const many = Array.from({ length: 3_000 }, (_, a) => ({ a }));
    assert.deepEqual(
      await evaluate('a * 2', ...many),
      many.map(({ a }) => a * 2),
    );
  });

  it('see dates and 64-bit integers as text', async () => {
    assert.deepEqual(await evaluate('a & " " & b', { a: new Date(0), b: 2n ** 60n }), [
      '1970-01-01T00:00:00.000Z 1152921504606846976',
    ]);
  });

  it('give plain objects with the usual prototype, never null ones', async () => {
    const [value] = (await evaluate('{"a": [{"b": $}]}', { x: 1 })) as [{ a: { b: object }[] }];
    assert.equal(Object.getPrototypeOf(value), Object.prototype);
    assert.equal(Object.getPrototypeOf(value.a), Array.prototype);
    assert.equal(Object.getPrototypeOf(value.a[0]!.b), Object.prototype);
    assert.deepEqual(Object.keys(value.a), ['0']);
  });

  it('fail a record alone when the expression does', async () => {
    assert.deepEqual(await evaluate('$number(a)', { a: '1' }, { a: 'x' }, { a: '3' }), [1, 'PCP_EXPRESSION_FAILED', 3]);
    const failed = 'PCP_EXPRESSION_FAILED';
    assert.deepEqual(await evaluate('$sum', {}), [failed]);
    assert.deepEqual(await evaluate('{"__pro" & "to__": 1}', {}), [failed]);
    assert.deepEqual(await evaluate('$eval("1")', {}), [failed]);
    assert.deepEqual(await evaluate('$lookup($, "__pro" & "to__")', {}), [undefined]);
    assert.deepEqual(await evaluate('$lookup($, "constr" & "uctor")', {}), [undefined]);
  });

  it('are stopped by guardrails', async () => {
    assert.deepEqual(await evaluate('($f := function($n){$f($n + 1)}; $f(1))', {}), ['PCP_EXPRESSION_TIMEOUT']);
    assert.deepEqual(await evaluate('($f := function($n){1 + $f($n + 1)}; $f(1))', {}), ['PCP_EXPRESSION_LIMIT']);
    assert.deepEqual(await evaluate('[1..100001]', {}), ['PCP_EXPRESSION_LIMIT']);
    assert.deepEqual(await evaluate('$count([1..n])', { n: 100_000 }), [100_000]);
  });

  it('that hang in a regular expression cost their own record only', async () => {
    const inputs = [{ s: 'aa' }, { s: `${'a'.repeat(40)}!` }, { s: 'aaa' }];
    assert.deepEqual(await evaluate('$contains(s, /^(a+)+$/)', ...inputs), [true, 'PCP_EXPRESSION_TIMEOUT', true]);
    assert.deepEqual(await evaluate('1 + 1', {}), [2]);
  });

  it('that burst the memory cost their own record only', async () => {
    const [first, second, third] = await evaluate('$length($pad("x", n))', { n: 1 }, { n: 5e8 }, { n: 2 });
    assert.deepEqual([first, third], [1, 2]);
    assert.match(String(second), KILLED);
    const doubling = '($d := function($s, $n){$n = 0 ? $s : $d($s & $s, $n - 1)}; $length($d("abcdefghij", n)))';
    const [small, large] = await evaluate(doubling, { n: 2 }, { n: 25 });
    assert.equal(small, 40);
    assert.match(String(large), KILLED);
    assert.deepEqual(await evaluate('1 + 1', {}), [2]);
  });

  it('that kill the sandbox with every record end the batch', async () => {
    const hostile = createExpressionEvaluator({ batchTimeoutMs: 700 });
    try {
      const inputs = Array.from({ length: 50 }, () => ({ s: `${'a'.repeat(40)}!` }));
      await assert.rejects(hostile.evaluate('$contains(s, /^(a+)+$/)', inputs), {
        code: 'PCP_EXPRESSION_UNSAFE',
        class: 'config',
      });
    } finally {
      await hostile.close();
    }
  });

  it('keep the loop of this process free while they hang', async () => {
    const before = process.cpuUsage();
    await evaluate('$contains(s, /^(a+)+$/)', { s: `${'a'.repeat(40)}!` });
    const { user, system } = process.cpuUsage(before);
    assert.ok(user + system < 500_000, `${user + system} microseconds of work in a second`);
  });

  it('are cancelled', async () => {
    const cancel = new AbortController();
    const work = evaluator.evaluate('$contains(s, /^(a+)+$/)', [{ s: `${'a'.repeat(40)}!` }], cancel.signal);
    setTimeout(() => cancel.abort(), 100);
    await assert.rejects(work, { code: 'PCP_CANCELLED', class: 'cancelled' });
    assert.deepEqual(await evaluate('1 + 1', {}), [2]);
  });

  it('answer several callers at once', async () => {
    const answers = await Promise.all([1, 2, 3, 4].map((n) => evaluate(`a + ${n}`, { a: 10 })));
    assert.deepEqual(answers, [[11], [12], [13], [14]]);
  });

  it('are refused when saved, if they cannot be parsed or reach for what is closed', () => {
    const refuse = (expression: string, message: RegExp) =>
      invalid(() => checkExpression(expression, '/x'), '/x', message, 'PCP_EXPRESSION_INVALID');
    refuse('a & ', /not valid JSONata/);
    refuse('', /empty/);
    refuse('"x" & '.repeat(12_000), /longer than 65536/);
    refuse('$eval("1")', /\$eval/);
    refuse('($f := $eval; $f("1"))', /\$eval/);
    refuse('a.__proto__', /the name __proto__/);
    refuse('$lookup(a, "constructor")', /the name constructor/);
    refuse('a.`prototype`', /the name prototype/);
    refuse(`${'('.repeat(20_000)}1${')'.repeat(20_000)}`, /not valid|nested/);
    checkExpression('a & " constructor of things"');
    const pairs: FieldMapping[] = [{ target: 'x', expression: '1 +' }];
    invalid(
      () => checkMapping(definition(pairs)),
      '/field_mappings/0/expression',
      /not valid/,
      'PCP_EXPRESSION_INVALID',
    );
  });

  it('work in filters, transformations and fields of a mapping', async () => {
    const mapping = definition(
      [
        { source: 'id', target: 'id', type: 'integer' },
        { target: 'label', expression: 'id & " / " & line.sku', type: 'string' },
        { target: 'total', expression: '$number(line.qty) * 2', type: 'decimal' },
        { target: 'when', expression: 'day', type: 'date', format: 'YYYYMMDD', default: '2026-01-01' },
      ],
      {
        filters: [{ expression: '$number(id) > 1' }, { field: 'id', operator: 'ne', value: '9' }],
        transformations: [
          { op: 'expression', expression: '$merge([$, {"lines": lines[qty != "0"]}])' },
          { op: 'explode', field: 'lines' },
          { op: 'rename', field: 'lines', to: 'line' },
        ],
      },
    );
    const compiled = compileMapping(mapping, 'import', { expressions: evaluator });
    const results = await compiled.map([
      { id: '1', lines: [] },
      {
        id: '2',
        day: '20261124',
        lines: [
          { sku: 'a', qty: '1.5' },
          { sku: 'b', qty: '0' },
          { sku: 'c', qty: 'x' },
        ],
      },
      { id: '9' },
      { id: 'x' },
      { id: '3', lines: [{ sku: 'd', qty: '4' }] },
    ]);
    assert.deepEqual(
      results.map((result) => [result.index, result.outcome, result.outcome === 'failed' ? result.error.code : null]),
      [
        [0, 'filtered', null],
        [1, 'failed', 'PCP_EXPRESSION_FAILED'],
        [1, 'mapped', null],
        [2, 'filtered', null],
        [3, 'failed', 'PCP_VALUE_TYPE'],
        [4, 'mapped', null],
      ],
    );
    const mapped = results.flatMap((result) => (result.outcome === 'mapped' ? [result.data] : []));
    assert.deepEqual(mapped, [
      { id: 2, label: '2 / a', total: '3', when: '2026-11-24' },
      { id: 3, label: '3 / d', total: '8', when: '2026-01-01' },
    ]);
    const failure = results[1]!;
    assert.ok(failure.outcome === 'failed');
    assert.deepEqual([failure.field, failure.rule, failure.stage], ['total', 'expression', 'transform']);
    assert.match(failure.error.message, /^total: the expression failed/);
  });

  it('write the external field of an export', async () => {
    const pairs: FieldMapping[] = [
      { source: 'KEY', target: 'label', expression: 'a', export_expression: '$uppercase(label)' },
    ];
    const compiled = compileMapping(definition(pairs, { direction: 'bidirectional' }), 'export', {
      expressions: evaluator,
    });
    const [result] = await compiled.map([{ label: 'abc' }]);
    assert.ok(result?.outcome === 'mapped');
    assert.deepEqual(result.data, { KEY: 'ABC' });
  });

  it('refuse results that are no records or no truth values', async () => {
    const fields: FieldMapping[] = [{ source: 'a', target: 'a' }];
    const outcome = async (more: object) => {
      const compiled = compileMapping(definition(fields, more), 'import', { expressions: evaluator });
      const [result] = await compiled.map([{ a: 1 }]);
      return result?.outcome === 'failed' ? result.rule : result?.outcome;
    };
    assert.equal(await outcome({ transformations: [{ op: 'expression', expression: 'a' }] }), 'transformation');
    assert.equal(await outcome({ transformations: [{ op: 'expression', expression: 'nothing' }] }), 'transformation');
    assert.equal(await outcome({ filters: [{ expression: 'a' }] }), 'filter');
    assert.equal(await outcome({ filters: [{ expression: 'nothing' }] }), 'filtered');
  });
});

describe('the sandbox process', () => {
  async function start(): Promise<ChildProcess> {
    const child = fork(entry, [], { serialization: 'advanced', env: {}, stdio: ['ignore', 'ignore', 'ignore', 'ipc'] });
    await once(child, 'message');
    return child;
  }

  it('ends with its parent', async () => {
    const child = await start();
    child.disconnect();
    assert.deepEqual(await once(child, 'exit'), [0, null]);
  });

  it('ends although it hangs when its parent is gone', async () => {
    const child = await start();
    const inputs = JSON.stringify([{ s: `${'a'.repeat(60)}!` }]);
    await new Promise((resolve) =>
      child.send({ id: 1, expression: '$contains(s, /^(a+)+$/)', inputs, careful: false }, resolve),
    );
    child.disconnect();
    assert.deepEqual(await once(child, 'exit'), [null, 'SIGKILL']);
  });

  it('does not keep an idle parent alive', async () => {
    const module = path.resolve(__dirname, '../../../lib/mapping/expressions/evaluator.js');
    const script = `require(${JSON.stringify(module)}).createExpressionEvaluator().evaluate('1', [{}]).then((r) => console.log(r[0].value))`;
    const parent = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
    let output = '';
    parent.stdout.on('data', (chunk) => {
      output += chunk;
    });
    assert.deepEqual(await once(parent, 'exit'), [0, null]);
    assert.equal(output, '1\n');
  });

  it('that cannot start is told as such', async () => {
    const evaluator = createExpressionEvaluator({ heapMb: 1 });
    await assert.rejects(
      evaluator.evaluate('1', [{}]),
      (error: IntegrationError) => error.code === 'PCP_SANDBOX_START',
    );
    await evaluator.close();
  });
});
