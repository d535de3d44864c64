import { createServer, type Server, type Socket } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { freePort } from '../../../src/qemu/free-port.ts';
import { waitForAnswer } from '../../../src/qemu/wait-for-answer.ts';

async function listening(onClient: (socket: Socket) => void, port = 0): Promise<number> {
  const server: Server = createServer(onClient);
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  const address = server.address();
  return typeof address === 'object' && address ? address.port : 0;
}

const NEVER = new AbortController().signal;
/** As a user-mode network does for a guest that does not listen yet. */
const accepting = () => listening((socket) => socket.resume());

test.each([
  { who: 'speaks first', answers: () => true },
  { who: 'answers an SSLRequest', answers: (said: Buffer) => said.length === 8 && said[3] === 8 },
  { who: 'answers a GET', answers: (said: Buffer) => said.toString().startsWith('GET / ') },
])('a server that $who is up, one that only accepts is not', async ({ who, answers }) => {
  const silent = await accepting();
  const port = await listening((socket) => {
    socket.on('error', () => {});
    if (who === 'speaks first') socket.write('SSH-2.0-x\r\n');
    socket.on('data', (said: Buffer) => answers(said) && socket.write('N'));
  });
  expect(await waitForAnswer([silent, port], NEVER)).toBe(port);
});

test('waiting ends with the signal', async () => {
  const leaving = new AbortController();
  const waiting = waitForAnswer([await accepting(), await freePort()], leaving.signal);
  leaving.abort(new Error('left'));
  await expect(waiting).rejects.toThrow('left');
});
