import { connect } from 'mqtt';

export interface PlainMqttTask {
  port: number;
  clientId: string;
  protocolVersion: 4 | 5;
  messages: number;
}

/** What a programmer writes to receive: the library acknowledges each message once its handler has returned. */
process.once('message', ({ port, messages, protocolVersion, clientId }: PlainMqttTask) => {
  const client = connect(`mqtt://127.0.0.1:${port}`, {
    protocolVersion,
    clientId,
    clean: false,
    ...(protocolVersion === 5 && { properties: { sessionExpiryInterval: 3600 } }),
  });
  let first = 0;
  let count = 0;
  client.on('message', () => {
    count++;
    if (count === 1) first = performance.now();
    if (count !== messages) return;
    const seconds = (performance.now() - first) / 1000;
    client.end(false, {}, () => process.send?.(messages / seconds));
  });
});
