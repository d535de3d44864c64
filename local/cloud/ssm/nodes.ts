import type { Cloud } from '../cloud.ts';
import type { NodeRecord } from '../records.ts';
import { putInvocation } from './commands.ts';
import { endByReboot } from './invocation.ts';
import { reachesSystemsManager } from './reach.ts';

/** An agent was heard: its machine is a managed node from now on. A new boot ends what the one before ran. */
export function hearAgent(cloud: Cloud, instanceId: string, bootId: string): void {
  const { db, now } = cloud;
  const known = db.nodes.get(`node/${instanceId}`);
  if (known?.bootId !== bootId) {
    for (const { id, invocations } of db.commands.all()) {
      for (const invocation of invocations) {
        if (invocation.instanceId !== instanceId) continue;
        const after = endByReboot(invocation, bootId, now());
        if (after !== invocation) putInvocation(cloud, id, after);
      }
    }
  }
  db.nodes.put({
    id: `node/${instanceId}`,
    instanceId,
    registeredAt: known?.registeredAt ?? now(),
    lastPingAt: now(),
    bootId,
  });
}

/** By its last word alone: a machine that is off stays Online for minutes, as on AWS. */
export function pingStatus({ lastPingAt }: NodeRecord, { now, settings }: Cloud): 'Online' | 'ConnectionLost' {
  return now() - lastPingAt <= settings.ssm.onlineMs ? 'Online' : 'ConnectionLost';
}

/** Whether a command may be sent to it: registered, running, and the way to its agent still open. */
export function takesCommands(cloud: Cloud, instanceId: string): boolean {
  const node = cloud.db.nodes.get(`node/${instanceId}`);
  const instance = cloud.db.instances.get(instanceId);
  if (node === undefined || instance?.state !== 'running') return false;
  return pingStatus(node, cloud) === 'Online' && reachesSystemsManager(cloud, instance);
}
