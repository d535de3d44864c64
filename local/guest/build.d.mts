/** A finished pair of raw disk images; bases for copies or overlays, never booted themselves. */
export interface GuestImage {
  readonly dir: string;
  readonly key: string;
  /** MBR, GRUB, one ext4 partition labelled "root" at 1 MiB. */
  readonly root: string;
  /** ext4 labelled "data" on the whole volume, mounted at /var/lib/postgresql. */
  readonly data: string;
  /** The guest's own static busybox, which runs on the host too. */
  readonly busybox: string;
  readonly postgresqlMajor: string;
  readonly builtAt: string;
  readonly versions: {
    readonly postgresql: string;
    readonly redis: string;
    readonly busybox: string;
    readonly kernel: string;
    readonly release: string;
  };
}

export interface GuestBuildRequest {
  readonly cacheDir: string;
  readonly report?: (line: string) => void;
}

export function buildGuest(request: GuestBuildRequest): Promise<GuestImage>;
export function findGuest(request: { readonly cacheDir: string }): Promise<GuestImage | undefined>;
