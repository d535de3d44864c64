/** EC2 refuses more (API_RunInstances, UserData: 16 KB before base64). */
const MAX_USER_DATA_BYTES = 16_384;

const BOUNDARY = 'understudy-boot-media';

/**
 * What cloud-init must not do again only because the instance id is new: the archived disks should differ from
 * production as little as possible (cloud-init's cc_ssh, cc_set_hostname, cc_package_update_upgrade_install, cc_locale,
 * cc_apt_configure run once per instance).
 */
const CLOUD_CONFIG = `#cloud-config
ssh_deletekeys: false
ssh_genkeytypes: []
preserve_hostname: true
package_update: false
package_upgrade: false
package_reboot_if_required: false
growpart: {mode: 'off'}
resize_rootfs: false
locale: false
apt: {preserve_sources_list: true}
`;

/** cc_users_groups locks the password of the image's default user. A machine for people keeps it: their key goes to that user. */
const OF_CLONES = `${CLOUD_CONFIG}users: []
`;

/** MIME multipart for the cloud-init of a clone: the settings above, then the script, unless it is sent as a command. */
export function encodeUserData(script?: string): Uint8Array {
  const settings = part('text/cloud-config', OF_CLONES);
  const bytes = multipart(script === undefined ? [settings] : [settings, part('text/x-shellscript', script)]);
  if (bytes.length > MAX_USER_DATA_BYTES) {
    throw new RangeError(`user data takes ${bytes.length} bytes, EC2 accepts ${MAX_USER_DATA_BYTES}: shorten boot.sh`);
  }
  return bytes;
}

/** Restored for people: nothing runs besides what the machine's source would run. */
export function encodeQuietUserData(): Uint8Array {
  return multipart([part('text/cloud-config', CLOUD_CONFIG)]);
}

function multipart(parts: readonly string[]): Uint8Array {
  const head = `Content-Type: multipart/mixed; boundary="${BOUNDARY}"\nMIME-Version: 1.0\n\n`;
  return new TextEncoder().encode(`${head}${parts.join('')}--${BOUNDARY}--\n`);
}

function part(contentType: string, body: string): string {
  return `--${BOUNDARY}\nContent-Type: ${contentType}; charset="us-ascii"\nMIME-Version: 1.0\nContent-Transfer-Encoding: 7bit\n\n${body}\n`;
}
