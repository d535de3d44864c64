import { parseArgs } from 'node:util';
import { startLedger } from '../production/ledger.ts';

// node local/up/ledger-process.ts --port PORT --file FILE: the ledger as a process of its own, which outlives `up`.
const { values } = parseArgs({ options: { port: { type: 'string' }, file: { type: 'string' } } });
if (values.port === undefined || values.file === undefined) throw new Error('--port PORT and --file FILE are needed');
const ledger = await startLedger({ port: Number(values.port), file: values.file });
const end = () => void ledger.stop().then(() => process.exit(0));
process.once('SIGTERM', end);
process.once('SIGINT', end);
