/** Workflows and the calls that steer: light work, many at once. */
export const CONTROL_QUEUE = 'understudy-control';
/** Blocks are read, sealed and written here: heavy on processor and network. */
export const MOVER_QUEUE = 'understudy-mover';
