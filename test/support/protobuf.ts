import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { absent, findProgram } from './server-process';

const SOURCE = join(__dirname, '..', '..', '..', 'test', 'support');
const INSTALL = 'apt-get install protobuf-compiler python3-protobuf';

/** Google's protobuf compiler as a peer: it prints payloads by the specification's table, and reads what it prints. */
export class Protoc {
  readonly #program: string;

  constructor(context: Mocha.Context) {
    this.#program = findProgram(['protoc'], []) ?? absent(context, 'protoc', INSTALL);
  }

  /** The payload as protobuf text. */
  decode(bytes: Buffer): string {
    return this.#run('--decode=Payload', bytes).toString('utf8');
  }

  encode(text: string): Buffer {
    return this.#run('--encode=Payload', Buffer.from(text, 'utf8'));
  }

  #run(mode: string, input: Buffer): Buffer {
    return execFileSync(this.#program, [`--proto_path=${SOURCE}`, mode, 'sparkplug_b.proto'], { input });
  }

  generatePython(folder: string): void {
    execFileSync(this.#program, [`--proto_path=${SOURCE}`, `--python_out=${folder}`, 'sparkplug_b.proto']);
  }
}

export interface Decoded {
  json?: unknown;
  bytes?: Buffer;
  refused?: true;
}

/** Python's protobuf as a peer, for many payloads at once. */
export class PythonProtobuf {
  readonly #program: string;
  readonly #folder: string;

  constructor(context: Mocha.Context) {
    const protoc = new Protoc(context);
    // The distribution's own Python comes first: packages of apt are installed for that one.
    this.#program = findProgram(['python3'], ['/usr/bin']) ?? absent(context, 'python3', INSTALL);
    try {
      execFileSync(this.#program, ['-c', 'import google.protobuf'], { stdio: 'ignore' });
    } catch {
      absent(context, 'python3-protobuf', INSTALL);
    }
    this.#folder = mkdtempSync(join(tmpdir(), 'pcp-protobuf-'));
    protoc.generatePython(this.#folder);
  }

  /** Also what the peer writes for what it understood. */
  decode(payloads: Buffer[]): Decoded[] {
    return this.#ask(payloads.map((bytes) => ({ decode: bytes.toString('base64') })));
  }

  encode(payloads: unknown[]): Buffer[] {
    return this.#ask(payloads.map((encode) => ({ encode }))).map((answer) => answer.bytes!);
  }

  close(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #ask(requests: unknown[]): Decoded[] {
    const output = execFileSync(this.#program, [join(SOURCE, 'sparkplug_peer.py'), this.#folder], {
      input: requests.map((request) => JSON.stringify(request)).join('\n'),
      encoding: 'utf8',
      // It complains there about text that is no UTF-8.
      stdio: ['pipe', 'pipe', 'ignore'],
      maxBuffer: 256 * 1024 * 1024,
    });
    return output
      .trimEnd()
      .split('\n')
      .map((line) => {
        const { bytes, ...answer } = JSON.parse(line) as { bytes?: string; json?: unknown; refused?: true };
        return { ...answer, ...(bytes !== undefined && { bytes: Buffer.from(bytes, 'base64') }) };
      });
  }
}
