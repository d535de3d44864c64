/**
 * The numbers of the NBD protocol that this server speaks (doc/proto.md of the NetworkBlockDevice project, normative);
 * everything on the wire is big-endian.
 */

export const GREETING_MAGIC = 0x4e42444d41474943n; // "NBDMAGIC"
export const OPTION_MAGIC = 0x49484156454f5054n; // "IHAVEOPT"
export const OPTION_REPLY_MAGIC = 0x3e889045565a9n;
export const REQUEST_MAGIC = 0x25609513;
export const SIMPLE_REPLY_MAGIC = 0x67446698;
export const STRUCTURED_REPLY_MAGIC = 0x668e33ef;

/** Both in what the server offers and in what a client answers. */
export const HANDSHAKE_FLAGS = { fixedNewstyle: 1, noZeroes: 2 } as const;

export const OPTION = {
  exportName: 1,
  abort: 2,
  list: 3,
  info: 6,
  go: 7,
  structuredReply: 8,
  listMetaContext: 9,
  setMetaContext: 10,
} as const;

export const OPTION_REPLY = {
  ack: 1,
  server: 2,
  info: 3,
  metaContext: 4,
  unsupported: 2 ** 31 + 1,
  invalid: 2 ** 31 + 3,
  unknown: 2 ** 31 + 6,
} as const;

export const INFO = { export: 0, name: 1, description: 2, blockSize: 3 } as const;

/** HAS_FLAGS, READ_ONLY, SEND_FLUSH, and CAN_MULTI_CONN: nothing changes, so all connections see the same. */
export const TRANSMISSION_FLAGS = (1 << 0) | (1 << 1) | (1 << 2) | (1 << 8);

export const COMMAND = { read: 0, write: 1, disconnect: 2, flush: 3, trim: 4, writeZeroes: 6, blockStatus: 7 } as const;
/** Of NBD_CMD_BLOCK_STATUS: exactly one descriptor. */
export const FLAG_ONE = 1 << 3;

export const REPLY_TYPE = {
  none: 0,
  data: 1,
  hole: 2,
  blockStatus: 5,
  error: 2 ** 15 + 1,
  errorAt: 2 ** 15 + 2,
} as const;
export const REPLY_DONE = 1;

export const ERROR = { notPermitted: 1, io: 5, invalid: 22 } as const;
export type NbdError = (typeof ERROR)[keyof typeof ERROR];

export const ALLOCATION = 'base:allocation';
/** Ids of metadata contexts are the server's choice. */
export const ALLOCATION_ID = 1;
/** NBD_STATE_HOLE and NBD_STATE_ZERO. */
export const STATE_HOLE = 1 | 2;

/** "Any payload not exceeding 2^25 bytes SHOULD NOT be considered a denial of service attack"; QEMU asks for no more. */
export const MAX_PAYLOAD_BYTES = 2 ** 25;
/** Strings of the protocol are limited to 4,096 bytes; nothing that clients send needs ten of them. */
export const MAX_OPTION_BYTES = 65_536;
