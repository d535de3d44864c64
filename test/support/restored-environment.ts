import { afterAll, vi } from 'vitest';

// Files share processes: what one of them stubs must not reach the next.
afterAll(() => {
  vi.unstubAllEnvs();
});
