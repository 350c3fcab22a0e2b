import { type AddressInfo, createServer } from 'node:net';

/** A Modbus device in a process of its own that takes any number of requests at once; each register holds its address. */
const memory = Buffer.alloc(2 * 65_536);
for (let address = 0; address < 65_536; address++) memory.writeUInt16BE(address, address * 2);

const server = createServer({ noDelay: true }, (socket) => {
  let rest: Buffer = Buffer.alloc(0);
  socket.on('data', (bytes) => {
    rest = rest.length === 0 ? bytes : Buffer.concat([rest, bytes]);
    const answers: Buffer[] = [];
    // Header of 6, unit, function, address, count.
    for (; rest.length >= 12; rest = rest.subarray(12)) answers.push(answerTo(rest));
    socket.write(Buffer.concat(answers));
  });
});

function answerTo(request: Buffer): Buffer {
  const [address, length] = [request.readUInt16BE(8), request.readUInt16BE(10) * 2];
  const answer = Buffer.allocUnsafe(9 + length);
  request.copy(answer, 0, 0, 8);
  answer.writeUInt16BE(3 + length, 4);
  answer[8] = length;
  memory.copy(answer, 9, address * 2, address * 2 + length);
  return answer;
}

server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port));
process.once('disconnect', () => process.exit());
