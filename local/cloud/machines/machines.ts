import { randomUUID } from 'node:crypto';
import { readFile, rm, stat } from 'node:fs/promises';
import type { Server } from 'node:http';
import { Qmp, type QmpEvent } from '../../../src/qemu/qmp.ts';
import type { Cloud } from '../cloud.ts';
import { inBackground } from '../in-background.ts';
import { OneAtATime } from '../one-at-a-time.ts';
import type { InstanceRecord } from '../records.ts';
import { serveAgent } from '../ssm/agent-door.ts';
import { consoleFile, layerNode, monitorSocket } from '../storage/layout.ts';
import { createVolumeFiles, shortenChain } from '../storage/volume-files.ts';
import { machineArguments } from './command-line.ts';
import { afterEnd, checkKeys, endOf, endOfFailedLaunch } from './endings.ts';
import { serveMetadata } from './imds.ts';
import { assignHostPorts, netdevArgument, openingsOf } from './network.ts';
import { isAlive, killProcess } from './process-identity.ts';
import { findMachine, startDetached, waitForEnd } from './qemu-process.ts';

/** QEMU opens its monitor within half a second; on a busy host within ten. */
const MONITOR_LIMIT_MS = 20_000;
/** After `quit` QEMU flushes and ends. */
const QUIT_LIMIT_MS = 15_000;
/** A guest that does not follow Ctrl-Alt-Delete is reset, as EC2 does after four minutes. */
const REBOOT_GRACE_MS = 30_000;

export interface LayerSwitch {
  readonly top: string;
  readonly newLayer: string;
}

/** The running machines: each a QEMU process that lives on without the cloud and is found again by it. */
export class Machines {
  readonly #cloud: Cloud;
  readonly #monitors = new Map<string, Qmp>();
  /** What the machine itself may ask: its metadata service, and the door of its agent where it has one. */
  readonly #doors = new Map<string, readonly Server[]>();
  readonly #timers = new Map<string, NodeJS.Timeout>();
  readonly #turns = new OneAtATime();

  constructor(cloud: Cloud) {
    this.#cloud = cloud;
  }

  /** Whether the machine's process runs and its monitor answers. */
  isUp(instanceId: string): boolean {
    return this.#monitors.has(instanceId);
  }

  /** One thing at a time per machine: captures, starts and ends never interleave. */
  inTurn<T>(instanceId: string, body: () => Promise<T>): Promise<T> {
    return this.#turns.run(instanceId, body);
  }

  /** Takes a `pending` instance to `running`, or to the state that EC2 shows after a failed launch. */
  launch(instanceId: string): Promise<void> {
    return this.inTurn(instanceId, async () => {
      const instance = this.#cloud.db.instances.get(instanceId);
      if (instance?.state !== 'pending') return;
      try {
        await this.#start(instance);
      } catch (error) {
        process.stderr.write(`local cloud: ${instanceId} did not start: ${String(error)}\n`);
        const now = this.#cloud.db.instances.get(instanceId);
        killProcess(now?.process);
        // Terminated meanwhile: that, and not the failure, is how it ends.
        const end = now?.ending === undefined ? endOfFailedLaunch(error, instance) : endOf(now);
        await afterEnd(this.#cloud, instanceId, end);
      }
    });
  }

  /** StopInstances and TerminateInstances, already recorded as the instance's `ending`. */
  async end(instanceId: string): Promise<void> {
    const { ending } = this.#cloud.db.instances.get(instanceId) ?? {};
    const qmp = this.#monitors.get(instanceId);
    if (ending === undefined) return;
    if (qmp === undefined || ending.hard) return this.#cut(instanceId);
    await this.#tell(instanceId, 'system_powerdown').catch(() => undefined);
    const left = ending.at + this.#cloud.settings.stopGraceMs - this.#cloud.now();
    this.#arm(instanceId, left, () => this.#cut(instanceId));
  }

  /** As if the host lost power: no flush, no word to the guest. */
  async powerCut(instanceId: string): Promise<void> {
    this.#cloud.calls.recordCommand('power-cut', instanceId);
    killProcess(this.#cloud.db.instances.get(instanceId)?.process);
  }

  async reboot(instanceId: string): Promise<void> {
    const keys = ['ctrl', 'alt', 'delete'].map((data) => ({ type: 'qcode', data }));
    await this.#tell(instanceId, 'send-key', { keys });
    this.#arm(instanceId, REBOOT_GRACE_MS, () => this.#tell(instanceId, 'system_reset'));
  }

  /** New layers on all disks in one transaction: one instant, and the guest never stops. */
  async switchLayers(instanceId: string, switches: readonly LayerSwitch[]): Promise<void> {
    const actions = switches.map(({ top, newLayer }) => ({
      type: 'blockdev-snapshot-sync',
      data: {
        'node-name': layerNode(top),
        'snapshot-file': newLayer,
        'snapshot-node-name': layerNode(newLayer),
        format: 'qcow2',
        mode: 'absolute-paths',
      },
    }));
    await this.#tell(instanceId, 'transaction', { actions });
  }

  async usesLayer(instanceId: string, layer: string): Promise<boolean> {
    const nodes = await this.#tell(instanceId, 'query-named-block-nodes', { flat: true });
    return Array.isArray(nodes) && nodes.some((node) => node['node-name'] === layerNode(layer));
  }

  /** The screen as PPM, or nothing if the machine is off. */
  async screen(instanceId: string): Promise<Buffer | undefined> {
    if (!this.isUp(instanceId)) return undefined;
    // A name of its own: two that are asked for at once would read and remove each other's.
    const file = `${monitorSocket(instanceId)}.${randomUUID()}.ppm`;
    try {
      await this.#tell(instanceId, 'screendump', { filename: file });
      return await readFile(file);
    } finally {
      await rm(file, { force: true });
    }
  }

  /** After a start of the cloud: finds the machines that still run. Captures under way are judged after this. */
  async adopt(): Promise<void> {
    for (const instance of this.#cloud.db.instances.all()) {
      if (instance.state === 'terminated' || instance.state === 'stopped') continue;
      const process = isAlive(instance.process) ? instance.process : findMachine(instance.id, this.#cloud.stateDir);
      if (process === undefined) continue;
      this.#cloud.db.instances.update(instance.id, { process });
      await this.#attend(instance.id).catch(() => killProcess(process));
    }
  }

  /** Then takes up what was under way: launches, ends, machines that ended meanwhile. */
  async resume(): Promise<void> {
    for (const { id, state } of this.#cloud.db.instances.all()) {
      if (state === 'pending' && !this.isUp(id)) inBackground(`starting ${id}`, this.launch(id));
      else if (state === 'pending') this.#markRunning(id);
      else if (state !== 'terminated' && state !== 'stopped' && !this.isUp(id)) await this.#ended(id);
      else if (state === 'stopping' || state === 'shutting-down') await this.end(id);
    }
  }

  /** Ends all machines at once, hard; for tearing a local cloud down. */
  async endAll(): Promise<void> {
    for (const { process } of this.#cloud.db.instances.all()) killProcess(process);
    await Promise.all(this.#cloud.db.instances.all().map(({ process }) => waitForEnd(process, 0)));
  }

  async #start(instance: InstanceRecord): Promise<void> {
    const { db, settings, stateDir } = this.#cloud;
    checkKeys(this.#cloud, instance);
    for (const volumeId of instance.volumeIds) {
      const volume = db.volumes.get(volumeId);
      if (volume?.state === 'creating') await createVolumeFiles(this.#cloud, volume);
      if (volume?.state === 'creating') db.volumes.update(volumeId, { state: 'in-use' });
      await shortenChain(this.#cloud, volumeId);
    }
    const openings = openingsOf(this.#cloud, instance);
    const hostPorts = await assignHostPorts(openings.ports, instance.ports);
    const subnetCidr = db.subnets.get(instance.subnetId)?.cidr ?? '';
    const args = machineArguments(
      {
        instanceId: instance.id,
        type: settings.instanceTypes[instance.type] ?? { vcpus: 1, memoryMiB: 512 },
        disks: bootOrder(this.#cloud, instance),
        netdev: netdevArgument({ instance, subnetCidr, openings, hostPorts, relay: settings.relay }),
        mac: db.interfaces.get(instance.interfaceId)?.mac ?? '',
        consoleFile: consoleFile(stateDir, instance.id),
      },
      settings,
    );
    this.#openDoors(instance.id);
    await rm(monitorSocket(instance.id), { force: true });
    const process = await startDetached(settings.qemu.system, args, `${monitorSocket(instance.id)}.err`);
    db.instances.update(instance.id, { process, ports: hostPorts });
    this.#cloud.calls.recordCommand('start', instance.id);
    await this.#attend(instance.id);
    this.#markRunning(instance.id);
  }

  #markRunning(instanceId: string): void {
    if (this.#cloud.db.instances.get(instanceId)?.state !== 'pending') return;
    this.#cloud.db.instances.update(instanceId, { state: 'running', stateChangedAt: this.#cloud.now() });
  }

  /** Connects to the monitor of a process that runs, and hears of its end. */
  async #attend(instanceId: string): Promise<void> {
    this.#openDoors(instanceId);
    const { process } = this.#cloud.db.instances.get(instanceId) ?? {};
    const qmp = await Qmp.open(
      monitorSocket(instanceId),
      {
        onEvent: (event) => inBackground(`${event.event} of ${instanceId}`, this.#hear(instanceId, event)),
        onClose: () => inBackground(`the end of ${instanceId}`, this.#lost(instanceId)),
      },
      isAlive(process) ? MONITOR_LIMIT_MS : 0,
    );
    this.#monitors.set(instanceId, qmp);
    const { status } = (await qmp.execute('query-status')) as { status?: string };
    if (status === 'shutdown') await this.#guestPoweredOff(instanceId); // it did so while no cloud was there to hear it
  }

  async #hear(instanceId: string, { event, data }: QmpEvent): Promise<void> {
    if (event === 'RESET') this.#disarm(instanceId);
    if (event === 'SHUTDOWN' && data?.guest === true) await this.#guestPoweredOff(instanceId);
  }

  /** Recorded before QEMU is told to go, so that a kill in between does not turn it into a crash. */
  async #guestPoweredOff(instanceId: string): Promise<void> {
    this.#cloud.db.instances.update(instanceId, { poweredOffByGuest: true });
    // A capture under way ends first; then nothing can be in flight when the process goes.
    await this.inTurn(instanceId, async () => {
      await this.#tell(instanceId, 'quit').catch(() => undefined);
    });
  }

  /** The monitor's connection ended: either the process did, or only the connection. */
  async #lost(instanceId: string): Promise<void> {
    if (!this.#monitors.delete(instanceId)) return;
    const { process } = this.#cloud.db.instances.get(instanceId) ?? {};
    await waitForEnd(process, QUIT_LIMIT_MS);
    await this.#ended(instanceId);
  }

  /** In the machine's turn: while it is being launched, it has no monitor to tell it by and maybe no process yet. */
  async #cut(instanceId: string): Promise<void> {
    const isTold = await this.inTurn(instanceId, async () => {
      if (this.isUp(instanceId)) {
        await this.#tell(instanceId, 'quit').catch(() => undefined);
        return true;
      }
      await waitForEnd(this.#cloud.db.instances.get(instanceId)?.process, 0);
      return false;
    });
    if (!isTold) await this.#ended(instanceId);
  }

  async #ended(instanceId: string): Promise<void> {
    this.#disarm(instanceId);
    await this.inTurn(instanceId, async () => {
      const instance = this.#cloud.db.instances.get(instanceId);
      if (instance === undefined || instance.state === 'stopped' || instance.state === 'terminated') return;
      for (const door of this.#doors.get(instanceId) ?? []) door.close();
      this.#doors.delete(instanceId);
      const size = (await stat(consoleFile(this.#cloud.stateDir, instanceId)).catch(() => undefined))?.size ?? 0;
      this.#cloud.db.instances.update(instanceId, { consolePosted: size, consolePostedAt: this.#cloud.now() });
      await afterEnd(this.#cloud, instanceId, endOf(instance));
    });
  }

  async #tell(instanceId: string, command: string, args: object = {}): Promise<unknown> {
    const qmp = this.#monitors.get(instanceId);
    if (qmp === undefined) throw new Error(`${instanceId} has no running machine`);
    this.#cloud.calls.recordCommand(command, instanceId);
    return qmp.execute(command, args);
  }

  #openDoors(instanceId: string): void {
    if (this.#doors.has(instanceId)) return;
    const hasAgent = this.#cloud.db.instances.get(instanceId)?.profile !== undefined;
    this.#doors.set(instanceId, [
      serveMetadata(this.#cloud, instanceId),
      ...(hasAgent ? [serveAgent(this.#cloud, instanceId)] : []),
    ]);
  }

  #arm(instanceId: string, afterMs: number, act: () => Promise<unknown>): void {
    this.#disarm(instanceId);
    this.#timers.set(
      instanceId,
      setTimeout(() => inBackground(`the time limit of ${instanceId}`, act()), Math.max(0, afterMs)),
    );
  }

  #disarm(instanceId: string): void {
    clearTimeout(this.#timers.get(instanceId));
    this.#timers.delete(instanceId);
  }
}

/** Root first, the others by device name, as EC2 numbers them. */
function bootOrder({ db }: Cloud, instance: InstanceRecord) {
  return instance.volumeIds
    .flatMap((id) => db.volumes.get(id) ?? [])
    .sort((a, b) => orderKey(a.attachment?.device, instance).localeCompare(orderKey(b.attachment?.device, instance)))
    .map((volume) => ({ volumeId: volume.id, topLayer: volume.layers.at(-1) ?? '' }));
}

function orderKey(device: string | undefined, { rootDevice }: InstanceRecord): string {
  return device === rootDevice ? '' : (device ?? '~');
}
