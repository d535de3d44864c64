import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { EC2Client } from '@aws-sdk/client-ec2';
import { onTestFinished } from 'vitest';
import { createEc2Clients } from '../../src/platforms/ec2/clients.ts';
import type { Ec2Context } from '../../src/platforms/ec2/context.ts';

export interface Ec2Answers {
  readonly context: Ec2Context;
  /** What was asked, by action. */
  of(action: string): readonly URLSearchParams[];
}

/** An error by its name. */
interface Refusal {
  readonly refusal: string;
}

/**
 * An EC2 endpoint of which a test gives each answer's body, knowing all calls so far; `undefined` is an answer that is lost.
 * Time stands still.
 */
export async function answerEc2(
  bodyOf: (action: string, calls: readonly URLSearchParams[]) => string | Refusal | undefined,
): Promise<Ec2Answers> {
  const calls: URLSearchParams[] = [];
  const server = createServer(async (incoming, response) => {
    let text = '';
    for await (const chunk of incoming) text += chunk;
    const fields = new URLSearchParams(text);
    calls.push(fields);
    const action = fields.get('Action') ?? '';
    const body = bodyOf(action, calls);
    if (body === undefined) response.destroy();
    else if (typeof body !== 'string')
      response
        .writeHead(400)
        .end(`<Response><Errors><Error><Code>${body.refusal}</Code><Message>no</Message></Error></Errors></Response>`);
    else response.writeHead(200).end(`<${action}Response>${body}</${action}Response>`);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  const { port } = server.address() as AddressInfo;
  const client = new EC2Client({
    endpoint: `http://127.0.0.1:${port}`,
    region: 'x-1',
    credentials: { accessKeyId: 'a', secretAccessKey: 's' },
    maxAttempts: 1,
  });
  const context: Ec2Context = {
    clients: { ...createEc2Clients('x-1'), ec2: client, ec2Once: client },
    clock: () => new Date(0),
    sleep: () => Promise.resolve(),
    log: () => {},
    random: () => 0.5,
  };
  return { context, of: (action) => calls.filter((call) => call.get('Action') === action) };
}
