import { once } from 'node:events';
import { createServer } from 'node:http';

/** What the machine is told, and every request it made. */
export interface MetadataResponder {
  instanceId: string;
  userData: string | undefined;
  readonly port: number;
  readonly requests: readonly string[];
  stop(): void;
}

const TOKEN = 'a-token-of-this-test';

/** The three paths of IMDSv2 that a machine needs at boot. Without the token of an earlier PUT the answer is 401. */
export async function startMetadataResponder(instanceId: string, userData?: string): Promise<MetadataResponder> {
  const requests: string[] = [];
  const server = createServer((request, response) => {
    requests.push(`${request.method} ${request.url}`);
    const answer = (status: number, body = '') => void response.writeHead(status).end(body);
    if (request.method === 'PUT' && request.url === '/latest/api/token') {
      const ttl = request.headers['x-aws-ec2-metadata-token-ttl-seconds'];
      return ttl === undefined ? answer(400) : answer(200, TOKEN);
    }
    if (request.headers['x-aws-ec2-metadata-token'] !== TOKEN) return answer(401);
    if (request.url === '/latest/meta-data/instance-id') return answer(200, responder.instanceId);
    if (request.url === '/latest/user-data' && responder.userData !== undefined) return answer(200, responder.userData);
    return answer(404);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  const responder = { instanceId, userData, port: address.port, requests, stop: () => void server.close() };
  return responder;
}
