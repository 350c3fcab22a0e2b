import assert from 'node:assert/strict';
import { Connections, Received } from '../../support/opcua/connections';
import { FaultServer } from '../../support/opcua/fault-server';
import { FaultSubscription } from '../../support/opcua/fault-subscription';

/** Part 4, 5.14.1: messages have numbers, and one that is missing can be asked for by Republish. */
describe('OPC UA: messages of a server', () => {
  let server: FaultServer;
  let told: FaultSubscription;
  let connections: Connections;
  let received: Received;

  beforeEach(async () => {
    server = await new FaultServer().start();
    told = new FaultSubscription();
    server.subscription = told;
    connections = new Connections();
    const connector = connections.open(server.url, {
      ...{ timeout_ms: 1000, publishing_interval_ms: 50, fill_gaps: false, tags: { state: { node_id: 'i=2259' } } },
    });
    received = new Received((signal) => connector.subscribe?.({}, signal) ?? assert.fail());
    await told.tell(1, 1);
    await received.until(() => given().length === 1);
  });
  afterEach(async () => {
    await received.stop();
    await connections.remove();
    await server.stop();
  });

  const given = () => received.values.filter(({ quality }) => quality === 'good').map(({ value }) => value);
  const arrived = (last: number) => received.until(() => given().includes(last));
  const losses = () => connections.log.filter((line) => line.includes('were lost'));

  it('that are lost are asked for, and what came after them waits until they are there', async () => {
    told.kept.set(2, 2).set(3, 3);
    await told.tell(4, 4);
    await told.tell(5, 5);
    await arrived(5);
    assert.deepEqual(given(), [1, 2, 3, 4, 5]);
    assert.deepEqual(told.asked, [2, 3]);
    await told.tell(6, 6);
    await told.until(() => [2, 3, 4, 5].every((number) => told.acknowledged.includes(number)));
    assert.deepEqual(losses(), []);
  });

  it('that are lost are asked for when a sign of life tells of them', async () => {
    told.kept.set(2, 2);
    await told.giveSignOfLife(3);
    await arrived(2);
    await told.tell(3, 3);
    await arrived(3);
    assert.deepEqual([given(), told.asked], [[1, 2, 3], [2]]);
  });

  it('that are lost cannot be had when the server does not have them, and what follows says so', async () => {
    told.kept.set(3, 3);
    await told.tell(4, 4);
    await arrived(4);
    assert.deepEqual(told.asked, [2, 3]);
    const overflown = received.values.filter(({ overflow }) => overflow).map(({ value }) => value);
    assert.deepEqual(overflown, [3]);
    assert.equal(losses().length, 1);
    assert.deepEqual(given(), [1, 3, 4]);
  });

  it('that are lost cannot be had, and nothing follows: values are read again', async () => {
    await told.giveSignOfLife(3);
    // That is what the server says when it is read.
    await arrived(0);
    assert.deepEqual(given(), [1, 0]);
    assert.equal(received.values.at(-1)?.overflow, true);
    assert.equal(losses().length, 1);
  });

  it('that are lost are waited for no longer than an answer may take', async () => {
    told.isMute = true;
    await told.tell(3, 3);
    await arrived(3);
    assert.equal(losses().length, 1);
  });

  it('that are lost, of before a connection broke come before those that are told when it is back', async () => {
    told.kept.set(2, 2).set(3, 3);
    told.before = { number: 3, tell: () => told.tell(4, 4) };
    server.drop();
    await arrived(4);
    assert.deepEqual(given(), [1, 2, 3, 4]);
    await told.tell(5, 5);
    await arrived(5);
    assert.deepEqual(losses(), []);
  });

  it('keep their order while the type of a structure in one of them is being learnt', async () => {
    const told3 = told.tell(2, 'structure').then(() => told.tell(3, 3));
    await Promise.all([told3, arrived(3)]);
    assert.deepEqual(
      given().map((value) => typeof value),
      ['number', 'object', 'number'],
    );
  });
});
