import { startS3 } from '../../../../local/servers/s3.ts';

// Run as a process of its own: starts an S3 server, says so, and stays until it is killed.
const [stateDir = '', detached = ''] = process.argv.slice(2);
const server = await startS3({ stateDir, bucket: 'vault', region: 'local-1', detached: detached === 'detached' });
process.stdout.write(`${server.pid}\n`);
setInterval(() => {}, 60_000);
