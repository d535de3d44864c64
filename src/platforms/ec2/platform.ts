import type { Platform } from '../platform.ts';
import { createCapture, findCapture } from './capture.ts';
import { removeRunResources } from './clean-up.ts';
import { createEc2Clients, type Ec2Clients } from './clients.ts';
import type { Ec2Context } from './context.ts';
import { createVolume } from './create-volume.ts';
import { describeMachine, selectMachines } from './describe-machine.ts';
import { openEbsSink } from './ebs-sink.ts';
import { openEbsSource } from './ebs-source.ts';
import { isCode } from './errors.ts';
import { findRuns } from './find-runs.ts';
import { ensureImage } from './image.ts';
import { proveIsolation } from './isolation.ts';
import { launch } from './launch.ts';
import { launchRestored } from './launch-restored.ts';
import { stopMachine, terminateMachine } from './mutations.ts';
import { readConsole, screenshot } from './observe.ts';
import { claimInstance } from './owned.ts';
import { preflight } from './preflight.ts';
import { ensureCommand, findCommand, readCommand, readCommandOutput } from './run-command.ts';
import { readSnapshots } from './snapshot-facts.ts';
import { snapshotStopped } from './snapshots.ts';

export interface Ec2PlatformDeps {
  /** Default: the standard chain (AWS_REGION, profile). */
  readonly region?: string;
  /** Default: clients of the standard chain, so AWS_ENDPOINT_URL_EC2, _EBS, _KMS and _SSM point them at a local cloud. */
  readonly clients?: Ec2Clients;
  readonly clock: Ec2Context['clock'];
  readonly sleep: Ec2Context['sleep'];
  readonly onLook?: Ec2Context['onLook'];
  readonly log: Ec2Context['log'];
  /** Default: Math.random; jitter only. */
  readonly random?: Ec2Context['random'];
}

/** Machines on Amazon EC2, or on anything that speaks its protocols. */
export function createEc2Platform({
  region,
  clients,
  clock,
  sleep,
  onLook,
  log,
  random = Math.random,
}: Ec2PlatformDeps): Platform {
  const context: Ec2Context = {
    clients: clients ?? createEc2Clients(region),
    clock,
    sleep,
    ...(onLook && { onLook }),
    log,
    random,
  };
  return {
    describeMachine: (machineId, signal) => describeMachine(context, machineId, signal),
    selectMachines: (tags, signal) => selectMachines(context, tags, signal),
    preflight: (request, signal) => preflight(context, request, signal),
    proveIsolation: (request, signal) => proveIsolation(context, request, signal),
    findCapture: (run, volumeIds, signal) => findCapture(context, run, volumeIds, signal),
    createCapture: (request, signal) => createCapture(context, request, signal),
    readSnapshots: (snapshots, signal) => readSnapshots(context, snapshots, signal),
    launch: (request, signal) => launch(context, request, signal),
    retainImage: (request, signal) => ensureImage(context, { ...request, role: 'retained' }, signal),
    readConsole: (run, machineId, signal) => readConsole(context, run, machineId, signal),
    ensureCommand: (request, signal) => ensureCommand(context, request, signal),
    findCommand: (run, machine, signal) => findCommand(context, run, machine, signal),
    readCommand: (run, machineId, commandId, signal) => readCommand(context, { run, machineId, commandId }, signal),
    readCommandOutput: (run, machine, signal) => readCommandOutput(context, run, machine, signal),
    screenshot: (run, machineId, signal) => screenshot(context, run, machineId, signal),
    async stop(run, machineId, signal) {
      const { owned } = await claimInstance(context, run, machineId, signal);
      await stopMachine(context, owned, signal);
    },
    async terminate(run, machineId, signal) {
      try {
        const { owned } = await claimInstance(context, run, machineId, signal);
        await terminateMachine(context, owned, signal);
      } catch (error) {
        if (!isCode(error, 'InstanceNotFound')) throw error; // forgotten an hour after its end
      }
    },
    snapshotStopped: (request, signal) => snapshotStopped(context, request, signal),
    openSource: (run, snapshotId, signal) => openEbsSource(context, run, snapshotId, signal),
    openSink: (request, signal) => openEbsSink(context, request, signal),
    encryptionFor(volume, profile) {
      const kmsKeyId = profile.kmsKeyId ?? volume.kmsKeyId;
      return kmsKeyId === undefined ? 'default' : { kmsKeyId };
    },
    createVolume: (request, signal) => createVolume(context, request, signal),
    launchRestored: (request, signal) => launchRestored(context, request, signal),
    removeRunResources: (request, signal) => removeRunResources(context, request, signal),
    findRuns: (deploymentId, signal) => findRuns(context, deploymentId, signal),
  };
}
