import assert from 'node:assert/strict';
import type { MetricValue } from '../../../lib/protocols/sparkplug/host/metric-values';
import { aliased, at, connectedHost, metric, rebirths, Sender, START, short } from './edge-node-messages';

describe('Sparkplug host: values', () => {
  it('are named after group, edge node, device and metric, with time, unit and quality', () => {
    const { receive } = connectedHost();
    const sender = new Sender();
    const properties = { keys: ['engUnit'], values: [{ type: 12, string_value: '°C' }] };
    const [value] = receive(sender.birth([metric('Oven/T', 'Float', 1.5, { properties })]), 250).values;
    assert.deepEqual(value, {
      tag: 'g/n/Oven/T',
      value: 1.5,
      quality: 'good',
      source_timestamp: at(0),
      received_at: at(250),
      unit: '°C',
      data_type: 'Float',
      group_id: 'g',
      edge_node_id: 'n',
      metric: 'Oven/T',
    });
    const device = receive(sender.device('DBIRTH', 'd', metric('a', 'Int32', -5))).values[0] as MetricValue;
    assert.deepEqual([device.tag, device.device_id, device.value], ['g/n/d/a', 'd', -5]);
    // The unit is told at birth only.
    assert.equal(receive(sender.data({ ...metric('Oven/T', 'Float', 2) })).values[0]?.unit, '°C');
  });

  it('tck-id-payloads-alias-data-cmd-requirement: aliases without a type have the name and type of the birth', () => {
    const { receive } = connectedHost();
    const sender = new Sender();
    receive(sender.birth([metric('count', 'Int32', 1, { alias: 7 }), metric('big', 'Int64', 1, { alias: 8 })]));
    receive(sender.device('DBIRTH', 'd', metric('temp', 'Int8', 1, { alias: 9 })));
    assert.deepEqual(short(receive(sender.data(aliased(7, 'Int32', -5), aliased(8, 'Int64', '-9007199254740993')))), [
      ['g/n/count', -5, 'good'],
      ['g/n/big', '-9007199254740993', 'good'],
    ]);
    assert.deepEqual(short(receive(sender.device('DDATA', 'd', aliased(9, 'Int8', -3)))), [['g/n/d/temp', -3, 'good']]);
  });

  it('have the aliases of the last birth only', () => {
    const { receive } = connectedHost();
    const sender = new Sender();
    receive(sender.birth([metric('a', 'Int32', 1, { alias: 1 }), metric('b', 'Int32', 2, { alias: 2 })]));
    receive(sender.birth([metric('b', 'Int32', 2, { alias: 1 })]));
    const effects = receive(sender.data(aliased(1, 'Int32', 3), aliased(2, 'Int32', 4)));
    assert.deepEqual(short(effects), [['g/n/b', 3, 'good']]);
    assert.deepEqual(
      effects.problems.map(({ code, path }) => [code, path]),
      [['PCP_SPARKPLUG_ALIAS', 'g/n']],
    );
    assert.deepEqual(rebirths(effects), ['spBv1.0/g/NCMD/n']);
  });

  it('that the birth no longer has are stale', () => {
    const { receive } = connectedHost();
    const sender = new Sender();
    receive(sender.birth([metric('a', 'Int32', 1), metric('b', 'Int32', 2)]));
    assert.deepEqual(short(receive(sender.birth([metric('b', 'Int32', 2)]))), [
      ['g/n/b', 2, 'good'],
      ['g/n/a', 1, 'bad', 'stale'],
    ]);
  });

  it('may be null, historical or transient', () => {
    const { host, receive } = connectedHost();
    const sender = new Sender();
    receive(sender.birth([metric('a', 'Int32', 1)]));
    const { values } = receive(
      sender.data(
        metric('a', 'Int32', 8),
        metric('a', 'Int32', null),
        metric('a', 'Int32', 9, { is_historical: true, timestamp: START - 1000 }),
        metric('b', 'Int32', 2, { is_transient: true }),
      ),
    );
    assert.deepEqual(
      values.map(({ value, backfilled, transient, source_timestamp: time }) => [value, backfilled, transient, time]),
      [
        [8, undefined, undefined, at(0)],
        [null, undefined, undefined, at(0)],
        [9, true, undefined, at(-1000)],
        [2, undefined, true, at(0)],
      ],
    );
    // A historical value is not the current one.
    assert.deepEqual(
      host.last('g/n/a').map(({ value }) => value),
      [null],
    );
  });

  const QUALITIES: [number, string, string | undefined][] = [
    [192, 'good', undefined],
    [0, 'bad', 'quality 0'],
    [500, 'bad', 'stale'],
    [64, 'uncertain', 'quality 64'],
  ];
  for (const [code, quality, status] of QUALITIES) {
    it(`tck-id-payloads-propertyset-quality-value-value: ${code} is ${quality}`, () => {
      const { receive } = connectedHost();
      const properties = { keys: ['Quality'], values: [{ type: 3, int_value: code }] };
      const [value] = receive(new Sender().birth([metric('a', 'Int32', 1, { properties })])).values;
      assert.deepEqual([value?.quality, value?.status], [quality, status]);
    });
  }

  it('that are no numbers, or broken, are bad and have no value', () => {
    const { receive } = connectedHost();
    const effects = receive(
      new Sender().birth([
        metric('nan', 'Double', Number.NaN),
        metric('array', 'Int32Array', [], { bytes_value: Buffer.from([1, 2]) }),
      ]),
    );
    assert.deepEqual(short(effects), [
      ['g/n/nan', null, 'bad', 'NaN'],
      ['g/n/array', null, 'bad', 'malformed Int32Array'],
    ]);
  });

  const TABLE = {
    columns: [{ name: 'a', data_type: 'Int32' as const }],
    rows: [[1], [-2]],
  };
  const MOTOR = {
    template_ref: 'Motor',
    metrics: [{ name: 'rpm', datatype: 3, int_value: 4294967295 }],
    parameters: [{ name: 'index', type: 3, int_value: 4 }],
  };
  const MOTOR_DEFINITION = {
    name: 'Motor',
    datatype: 19,
    template_value: {
      is_definition: true,
      metrics: [{ name: 'rpm', datatype: 3 }],
      parameters: [{ name: 'index', type: 3 }],
    },
  };

  it('of DataSets and Templates are one value each', () => {
    const { receive } = connectedHost();
    const motor = { name: 'M1', datatype: 19, template_value: MOTOR };
    assert.deepEqual(short(receive(new Sender().birth([metric('t', 'DataSet', TABLE), MOTOR_DEFINITION, motor]))), [
      ['g/n/t', [{ a: 1 }, { a: -2 }], 'good'],
      ['g/n/M1', { template: 'Motor', parameters: { index: 4 }, metrics: { rpm: -1 } }, 'good'],
    ]);
  });

  it('of DataSets and Templates are rows, members and parameters when flattened', () => {
    const { host, receive } = connectedHost({ flatten: true });
    const sender = new Sender();
    const motor = { name: 'M1', datatype: 19, template_value: MOTOR };
    const { values } = receive(sender.birth([metric('t', 'DataSet', TABLE), MOTOR_DEFINITION, motor]));
    assert.deepEqual(
      values.map(({ tag, value, row }) => [tag, value, row]),
      [
        ['g/n/t', { a: 1 }, 0],
        ['g/n/t', { a: -2 }, 1],
        ['g/n/M1/rpm', -1, undefined],
        ['g/n/M1/index', 4, undefined],
      ],
    );
    assert.equal(host.last('g/n/t').length, 2);
    // Later messages leave out the types of the members.
    const later = {
      name: 'M1',
      template_value: { template_ref: 'Motor', metrics: [{ name: 'rpm', int_value: 4294967290 }] },
    };
    assert.deepEqual(short(receive(sender.data(later))), [['g/n/M1/rpm', -6, 'good']]);
  });
});
