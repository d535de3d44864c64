const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'] as const;

/** `163 MiB`, `1.5 GiB`: three digits are enough to compare by eye. */
export function formatBytes(bytes: number): string {
  const power = bytes < 1 ? 0 : Math.min(UNITS.length - 1, Math.floor(Math.log2(bytes) / 10));
  const value = bytes / 1024 ** power;
  return `${power === 0 || value >= 100 ? Math.round(value) : value.toFixed(value >= 10 ? 1 : 2)} ${UNITS[power]}`;
}

/** `480 ms`, `6.2 s`, `3 min 05 s`, `2 h 10 min`. */
export function formatDuration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1000);
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${pad(seconds % 60)} s`;
  return `${Math.floor(seconds / 3600)} h ${pad(Math.floor(seconds / 60) % 60)} min`;
}

/** A latency: `11.8 ms`, `0.94 ms`. */
export function formatLatency(ms: number): string {
  if (ms >= 1000) return formatDuration(ms);
  return `${ms >= 100 ? Math.round(ms) : ms.toFixed(ms >= 1 ? 1 : 2)} ms`;
}

/** `12,418`: with a comma in every locale, as the page is in English. */
export function formatCount(count: number): string {
  return count.toLocaleString('en-US');
}

/** `2026-11-23 02:31:07.412 UTC`; text that is no time comes back as it is. */
export function formatInstant(iso: string): string {
  const at = Date.parse(iso);
  return Number.isNaN(at) ? iso : `${new Date(at).toISOString().replace('T', ' ').replace('Z', '')} UTC`;
}

/** `02:31:07.412`. */
export function formatTimeOfDay(ms: number): string {
  return new Date(ms).toISOString().slice(11, 23);
}

/** `1 line`, `17 lines`. */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${formatCount(count)} ${count === 1 ? one : many}`;
}

function pad(value: number): string {
  return String(value).padStart(2, '0');
}
